"""When a schedule comes, in words."""

import pytest
from django.utils import translation

from queues.jobs.schedule import Schedule
from queues.operations.schedule_words import describe


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("*/5 * * * *", "Every 5 minutes (Europe/Budapest)"),
        ("30 5 * * mon", "At 05:30, only on Monday (Europe/Budapest)"),
        ("0 22 * * 1-5", "At 22:00, Monday through Friday (Europe/Budapest)"),
        ("0 0 * * 7", "At 00:00, only on Sunday (Europe/Budapest)"),
        ("0 0 L * *", "At 00:00, on the last day of the month (Europe/Budapest)"),
        ("@daily", "At 00:00 (Europe/Budapest)"),
        ("@hourly", "Every hour (Europe/Budapest)"),
    ],
)
def test_a_cron_text_is_a_sentence(cron: str, words: str) -> None:
    assert describe(Schedule(name="x", cron=cron, timezone="Europe/Budapest")) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "Every second"), (90, "Every 90 seconds"), (300, "Every 5 minutes"), (3600, "Every hour"), (172800, "Every 2 days")],
)
def test_a_span_is_told_in_its_largest_unit(seconds: int, words: str) -> None:
    assert describe(Schedule(name="x", every_seconds=seconds)) == words


@pytest.mark.parametrize("cron", ["0 0 1,15 * 3-5", "0 0 * * 5#2,5#4"])
def test_a_text_whose_words_would_mislead_is_shown_as_it_is(cron: str) -> None:
    assert describe(Schedule(name="x", cron=cron, timezone="UTC")) == f"cron {cron} (UTC)"


def test_every_text_that_is_a_schedule_has_words_in_every_language() -> None:
    texts = ["@yearly", "@annually", "@monthly", "@weekly", "@midnight", "0 0 * * mon#1", "30 3 * * L5", "0 0 29 2 *", "5,10 4 * jan-mar *"]
    for language in ("en", "de", "pt-br", "zh-hans", "xx"):
        with translation.override(language):
            assert all(describe(Schedule(name="x", cron=text)) for text in texts)
