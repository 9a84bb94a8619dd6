"""How long ago something was, or lasts, to the second: Django's timesince knows only minutes. And whole numbers in full."""

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

register = template.Library()
register.filter("digits", intcomma)


@register.filter
def ago(moment: datetime) -> str:
    seconds = max(0, int((timezone.now() - moment).total_seconds()))
    if seconds < 60:
        return ngettext("%(seconds)d second ago", "%(seconds)d seconds ago", seconds) % {"seconds": seconds}
    return _("%(time)s ago") % {"time": timesince(moment, depth=1)}


@register.filter
def from_now(moment: datetime) -> str:
    """`in 5 seconds` of what lies ahead; of the past as `ago`."""
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


@register.simple_tag
def moment(moment: datetime) -> SafeString:
    """How far away it is, with the time itself in TIME_ZONE and in UTC for those who point at it."""
    local = timezone.localtime(moment)
    title = f"{local:%Y-%m-%d %H:%M:%S %Z} · {moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), title, from_now(moment))
