"""When a schedule comes, as people say it."""

from __future__ import annotations

from functools import lru_cache

from cron_descriptor import FormatError, MissingFieldError, Options, WrongArgumentError, get_description
from django.utils.translation import get_language, ngettext, to_locale

from queues.jobs.schedule import UNITS, Schedule

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def describe(schedule: Schedule) -> str:
    """`Every 5 minutes`, `At 05:30, only on Monday (Europe/Budapest)`; the cron text itself where its words would mislead."""
    if not schedule.cron:
        return _every(schedule.every_seconds)
    cron = ALIASES.get(schedule.cron.lower(), schedule.cron)
    _, _, day, _, weekday = cron.split()
    either_day = not {"*", "?"}.intersection((day, weekday))
    if either_day or ("#" in weekday and "," in weekday):
        return schedule.words  # the library's words do not always say which
    words = _in_words(cron, to_locale(get_language() or "en-us"))
    return f"{words} ({schedule.zone.key})" if words else schedule.words


@lru_cache(maxsize=4096)
def _in_words(cron: str, locale: str) -> str:
    """Empty where the library does not understand it. Kept, since it reads its translations from a file each time."""
    try:
        return str(get_description(cron, Options(use_24hour_time_format=True, locale_code=locale)))
    except (FormatError, MissingFieldError, WrongArgumentError):  # it knows less than croniter
        return ""


def _every(seconds: int) -> str:
    unit, length = next((unit, length) for unit, length in UNITS if seconds % length == 0)
    count = seconds // length
    words = {
        "day": ngettext("Every day", "Every %(count)d days", count),
        "hour": ngettext("Every hour", "Every %(count)d hours", count),
        "minute": ngettext("Every minute", "Every %(count)d minutes", count),
        "second": ngettext("Every second", "Every %(count)d seconds", count),
    }
    return words[unit] % {"count": count}
