"""Axes that end at round values, and how their values read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

NOTHING = "–"  # noqa: RUF001  # where there is no number
STEPS = 4
"""Parts of an axis of counts at most."""
TIMES = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36000.0, 864000.0)
"""Seconds at which an axis of times has its ticks: each about ten times the last."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """`share` says how far up its axis a value is, from 0 to 1."""

    ticks: Sequence[float]
    share: Callable[[float], float]
    text: Callable[[float], str]


def count_scale(values: Sequence[float]) -> Scale:
    """Whole numbers from 0 on."""
    largest = max(values, default=0)
    step = max(1.0, _round_up(largest / STEPS))
    parts = max(1, math.ceil(round(largest / step, 6)))
    return Scale(ticks=[step * part for part in range(parts + 1)], share=lambda value: value / (step * parts), text=count_text)


def seconds_scale(values: Sequence[float]) -> Scale:
    """Times, logarithmic: the median in milliseconds and the slowest in minutes are both to be seen."""
    low = max((tick for tick in TIMES if tick <= min(values, default=0)), default=TIMES[0])
    high = min((tick for tick in TIMES if tick >= max(values, default=0) and tick > low), default=TIMES[-1])
    spread = math.log(high / low)
    return Scale(
        ticks=[tick for tick in TIMES if low <= tick <= high],
        share=lambda value: math.log(min(max(value, low), high) / low) / spread,
        text=span_text,
    )


def count_text(value: float) -> str:
    return number_format(round(value), use_l10n=True, force_grouping=True)


def span_text(seconds: float | None) -> str:
    """A span in the unit that suits it, by at most three digits; a dash for None."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return _("%(number)s ms") % {"number": _digits(seconds * 1000)}
    if seconds < 60:
        return _("%(number)s s") % {"number": _digits(seconds)}
    if seconds < 3600:
        return _("%(number)s min") % {"number": _digits(seconds / 60)}
    if seconds < 86400:
        return _("%(number)s h") % {"number": _digits(seconds / 3600)}
    return _("%(number)s d") % {"number": _digits(seconds / 86400)}


def time_text(moment: datetime) -> str:
    """The time of day, as the axes of charts have it."""
    return f"{moment:%H:%M}"


def day_text(moment: datetime) -> str:
    """The day without its year, in the language of the page."""
    return date_format(moment, "MONTH_DAY_FORMAT")


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 and so on."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value)


def _digits(value: float) -> str:
    places = 0 if value >= 99.5 else 1 if value >= 9.95 else 2
    rounded = round(value, places)
    return number_format(rounded, decimal_pos=0 if rounded == round(rounded) else places)
