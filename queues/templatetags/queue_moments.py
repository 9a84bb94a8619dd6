"""Moments and spans on pages: to the second in the current time zone, with UTC for whoever compares logs."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()

FORMAT = "%Y-%m-%d %H:%M:%S"
CLOCK = "%H:%M:%S"


@register.filter
def moment(at: datetime) -> SafeString:
    return _time(at, FORMAT)


@register.filter
def clock(at: datetime) -> SafeString:
    """Without its date, which stands before it."""
    return _time(at, CLOCK)


def _time(at: datetime, shape: str) -> SafeString:
    at = at.astimezone(UTC)
    local = timezone.localtime(at).strftime(shape)
    return format_html('<time datetime="{}" title="{} UTC">{}</time>', at.isoformat(), at.strftime(FORMAT), local)


@register.filter
def span(seconds: float) -> str:
    """`340 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    seconds = max(0.0, seconds)
    if seconds < 1:
        return _("%(number)d ms") % {"number": round(seconds * 1000)}
    if seconds < 60:
        return _("%(number).1f s") % {"number": seconds}
    minutes = int(seconds // 60)
    if minutes < 60:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": int(seconds % 60)}
    return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}
