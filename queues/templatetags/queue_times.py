"""Times, spans and whole numbers, the same on every page: `moment` where pages are compared with logs, `away` where age matters."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.safestring import SafeString

from queues.admin.words import NOTHING, ago, from_now, lasting, moment_element, span_text, time_element

register = template.Library()
register.filter("digits", intcomma)
register.filter(ago)
register.filter(lasting)
register.filter("span", span_text)


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """To the second, in the current time zone."""
    return moment_element(at) if at else NOTHING


@register.filter
def clock(at: datetime) -> SafeString:
    """Without its date, which stands before it."""
    return time_element(at, f"{timezone.localtime(at):%H:%M:%S}")


@register.filter
def away(at: datetime | None) -> SafeString | str:
    """How long ago, or until then."""
    return time_element(at, from_now(at)) if at else NOTHING
