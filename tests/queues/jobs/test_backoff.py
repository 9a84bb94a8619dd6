import pytest

from queues import Exponential, Fixed


def test_exponential_waits_one_two_four_seconds() -> None:
    assert [Exponential()(n) for n in (1, 2, 3)] == [1.0, 2.0, 4.0]


def test_jitter_spreads_downwards_only() -> None:
    waits = [Exponential(jitter=0.5)(1) for _ in range(200)]
    assert 0.5 <= min(waits) < max(waits) <= 1.0
    with pytest.raises(ValueError, match="jitter"):
        Exponential(jitter=1.5)


def test_fixed_waits_the_same() -> None:
    assert [Fixed(delay_seconds=7)(n) for n in (1, 5)] == [7, 7]
