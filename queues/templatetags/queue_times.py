"""Times, spans and whole numbers, the same on every page: `moment` where pages are compared with logs, `away` where age matters."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues.admin.scales import NOTHING

register = template.Library()
register.filter("digits", intcomma)

FORMAT, CLOCK = "%Y-%m-%d %H:%M:%S", "%H:%M:%S"


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """To the second, in the current time zone."""
    return _time(at, timezone.localtime(at).strftime(FORMAT)) if at else NOTHING


@register.filter
def clock(at: datetime) -> SafeString:
    """Without its date, which stands before it."""
    return _time(at, timezone.localtime(at).strftime(CLOCK))


@register.filter
def away(at: datetime | None) -> SafeString | str:
    """How long ago, or until then."""
    return _time(at, from_now(at)) if at else NOTHING


def _time(at: datetime, words: str) -> SafeString:
    """The time itself, in the current time zone and in UTC, for those who point at it."""
    title = f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S %Z} · {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.astimezone(UTC).isoformat(), title, words)


@register.filter
def ago(moment: datetime) -> str:
    """To the second, below a minute: Django's timesince knows only minutes."""
    seconds = max(0, int((timezone.now() - moment).total_seconds()))
    if seconds < 60:
        return ngettext("%(seconds)d second ago", "%(seconds)d seconds ago", seconds) % {"seconds": seconds}
    return _("%(time)s ago") % {"time": timesince(moment, depth=1)}


def from_now(moment: datetime) -> str:
    """`in 5 s` of what lies ahead; of the past as `ago`."""
    ahead = (moment - timezone.now()).total_seconds()
    return _("in %(time)s") % {"time": lasting(ahead)} if ahead >= 0 else ago(moment)


@register.filter
def lasting(seconds: float) -> str:
    """`5 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`: two units at most."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    units = ((days, _("d")), (hours, _("h")), (minutes, _("min")), (whole % 60, _("s")))
    first = next((index for index, (count, _unit) in enumerate(units) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count or first == 3)


@register.filter
def span(seconds: float) -> str:
    """As `lasting`, but `340 ms` and `4.2 s` below a minute."""
    if seconds < 1:
        return _("%(number)d ms") % {"number": round(max(0.0, seconds) * 1000)}
    return _("%(number).1f s") % {"number": seconds} if seconds < 60 else lasting(seconds)
