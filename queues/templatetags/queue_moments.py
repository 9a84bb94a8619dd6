"""Moments to the second in the current time zone, and spans."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.safestring import SafeString

from queues.admin.words import moment_element, span_text, time_element

register = template.Library()
register.filter("span", span_text)
register.filter("moment", moment_element)


@register.filter
def clock(at: datetime) -> SafeString:
    """Without its date, which stands before it."""
    return time_element(at, f"{timezone.localtime(at):%H:%M:%S}")
