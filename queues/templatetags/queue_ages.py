"""How far away a moment is, how long something lasts, and whole numbers in full."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.safestring import SafeString

from queues.admin.words import ago, from_now, lasting, time_element

register = template.Library()
register.filter("digits", intcomma)
register.filter(ago)
register.filter(from_now)
register.filter(lasting)


@register.simple_tag
def moment(moment: datetime) -> SafeString:
    """How far away it is, with the time itself for those who point at it."""
    return time_element(moment, from_now(moment))
