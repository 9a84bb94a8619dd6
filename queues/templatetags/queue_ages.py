"""How long ago something was, to the second: Django's timesince knows only minutes."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()


@register.filter
def ago(moment: datetime) -> str:
    seconds = max(0, int((timezone.now() - moment).total_seconds()))
    if seconds < 60:
        return ngettext("%(seconds)d second ago", "%(seconds)d seconds ago", seconds) % {"seconds": seconds}
    return _("%(time)s ago") % {"time": timesince(moment, depth=1)}
