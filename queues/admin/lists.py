"""Lists of Django's own admin whose address may say anything."""

from __future__ import annotations

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import DataError
from django.http import HttpRequest

from queues.admin.typed import ModelAdmin


class PatientList(ModelAdmin):
    """A filter that no database could apply, such as one by a NUL or by the year 0, is told as Django tells other wrong ones, where Django
    itself would fail."""

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        try:
            return super().get_changelist_instance(request)
        except (DataError, OverflowError, ValueError) as error:
            raise IncorrectLookupParameters(str(error)) from error
