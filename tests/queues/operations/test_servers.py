"""What is said of a Redis by its numbers."""

import pytest

from queues.operations.servers import clock, memory, version


@pytest.mark.parametrize(
    ("text", "level"),
    [("7.2.4", "healthy"), ("6.2.0", "healthy"), ("10.0", "healthy"), ("6.0.16", "critical"), ("5", "critical"), ("", "critical")],
)
def test_old_versions_are_critical(text: str, level: str) -> None:
    assert version("Redis", text).level == level


@pytest.mark.parametrize(("used", "level"), [(80, "healthy"), (81, "warning"), (95, "warning"), (96, "critical")])
def test_memory_is_told_before_it_is_full(used: int, level: str) -> None:
    assert memory("Redis", used, 100).level == level


def test_a_redis_without_a_limit_is_never_full() -> None:
    assert memory("Redis", 10**12, 0).level == "healthy"


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [(0.9, "healthy", "differ by 900 ms"), (-5.0, "warning", "5.0 s behind"), (31.0, "critical", "31.0 s ahead of")],
)
def test_clocks_that_differ_are_told(seconds: float, level: str, words: str) -> None:
    found = clock("Redis", seconds)
    assert found.level == level
    assert words in found.sentence
    assert bool(found.cure) is (level != "healthy")
