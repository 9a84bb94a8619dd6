"""Counts, spans and moments in words."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

NOTHING = "–"  # noqa: RUF001  # where there is no number
SECOND = "%Y-%m-%d %H:%M:%S"


def count_text(value: float) -> str:
    return number_format(round(value), use_l10n=True, force_grouping=True)


def span_text(seconds: float | None) -> str:
    """`340 ms`, `4.20 s`, and from a minute on as `lasting`; a dash for None."""
    if seconds is None:
        return NOTHING
    seconds = max(0.0, seconds)
    if seconds < 1:
        return _("%(number)s ms") % {"number": _digits(seconds * 1000)}
    if seconds < 60:
        return _("%(number)s s") % {"number": _digits(seconds)}
    return lasting(seconds)


def lasting(seconds: float) -> str:
    """`5 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`: two units at most."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    units = ((days, _("d")), (hours, _("h")), (minutes, _("min")), (whole % 60, _("s")))
    first = next((index for index, (count, _unit) in enumerate(units) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count or first == 3)


def ago(moment: datetime) -> str:
    """To the second within a minute: Django's timesince knows only minutes."""
    seconds = max(0, int((timezone.now() - moment).total_seconds()))
    if seconds < 60:
        return ngettext("%(seconds)d second ago", "%(seconds)d seconds ago", seconds) % {"seconds": seconds}
    return _("%(time)s ago") % {"time": timesince(moment, depth=1)}


def from_now(moment: datetime) -> str:
    """`in 5 seconds` of what lies ahead; of the past as `ago`."""
    ahead = (moment - timezone.now()).total_seconds()
    return _("in %(time)s") % {"time": lasting(ahead)} if ahead >= 0 else ago(moment)


def time_text(moment: datetime) -> str:
    """The time of day, as the axes of charts have it."""
    return f"{moment:%H:%M}"


def time_element(at: datetime, text: str) -> SafeString:
    """The text, with the time itself in the current zone and in UTC, which logs have, for those who point at it."""
    utc = at.astimezone(UTC)
    title = f"{timezone.localtime(utc):{SECOND} %Z} · {utc:{SECOND}} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', utc.isoformat(), title, text)


def moment_element(at: datetime) -> SafeString:
    """To the second, in the current zone."""
    return time_element(at, f"{timezone.localtime(at):{SECOND}}")


def _digits(value: float) -> str:
    places = 0 if value >= 99.5 else 1 if value >= 9.95 else 2
    rounded = round(value, places)
    return number_format(rounded, decimal_pos=0 if rounded == round(rounded) else places)


def day_text(moment: datetime) -> str:
    """`30 Nov`, in the language of the page: short, as several stand side by side."""
    return date_format(moment, "j M")
