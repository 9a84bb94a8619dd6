"""Axes that end at round values, and how their values read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import number_format
from django.utils.translation import gettext as _

STEPS = 4
"""Parts of an axis at most."""
TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
"""Seconds between ticks from one second on."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """From 0 to `top` in steps."""

    step: float
    top: float
    text: Callable[[float], str]

    @property
    def ticks(self) -> list[float]:
        return [self.step * number for number in range(round(self.top / self.step) + 1)]


def count_scale(largest: float) -> Scale:
    """Whole numbers."""
    return _scale(max(1.0, _round_up(largest / STEPS)), largest, count_text)


def seconds_scale(largest: float) -> Scale:
    """Times, from microseconds to days."""
    wanted = largest / STEPS
    step = next((step for step in TIME_STEPS if step >= wanted), None) if wanted > 1 else _round_up(wanted)
    return _scale(float(step or math.ceil(wanted / 86400) * 86400), largest, span_text)


def count_text(value: float) -> str:
    return number_format(round(value), use_l10n=True, force_grouping=True)


def span_text(seconds: float) -> str:
    """A span in the unit that suits it, by at most three digits."""
    if seconds == 0:
        return "0"
    if seconds < 1:
        return _("%(number)s ms") % {"number": _digits(seconds * 1000)}
    for size, words in ((60, _("%(number)s s")), (3600, _("%(number)s min")), (86400, _("%(number)s h"))):
        if seconds < size:
            return words % {"number": _digits(seconds / {60: 1, 3600: 60, 86400: 3600}[size])}
    return _("%(number)s d") % {"number": _digits(seconds / 86400)}


def time_text(moment: datetime) -> str:
    """The time of day, as the axes and tables of charts have it."""
    return f"{moment:%H:%M}"


def _scale(step: float, largest: float, text: Callable[[float], str]) -> Scale:
    return Scale(step=step, top=step * max(1, math.ceil(round(largest / step, 6))), text=text)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, ... also below one."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))


def _digits(value: float) -> str:
    places = 0 if value >= 99.5 else 1 if value >= 9.95 else 2
    text = number_format(value, decimal_pos=places)
    plain = number_format(round(value), decimal_pos=0)
    return plain if round(value, places) == round(value) else text
