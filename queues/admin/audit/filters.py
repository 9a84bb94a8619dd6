"""What the audit page is filtered by. None looks through the log for its choices: that takes seconds where it is long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from queues.models import AuditEntry

USERS = 200
KINDS = {ADDITION: _("added"), CHANGE: _("changed"), DELETION: _("removed")}


class UserFilter(admin.SimpleListFilter):
    """Staff, whoever of it acted: to look for those who did would read the whole log."""

    title, parameter_name = _("user"), "user"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        staff = get_user_model()._default_manager.filter(is_staff=True)[:USERS]
        return sorted(((str(user.pk), user.get_username()) for user in staff), key=lambda pair: pair[1].lower())

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        chosen = self.value()
        return queryset.filter(user_id=chosen) if chosen in dict(self.lookup_choices) else queryset


class KindFilter(admin.SimpleListFilter):
    title, parameter_name = _("kind"), "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(str(flag), words) for flag, words in KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        chosen = self.value()
        return queryset.filter(action_flag=chosen) if chosen in dict(self.lookup_choices) else queryset


class AboutFilter(admin.SimpleListFilter):
    title, parameter_name = _("kind of object"), "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(str(kind.pk), kind.name) for kind in model_admin.content_types(request)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        chosen = self.value()
        return queryset.filter(content_type__id=chosen) if chosen in dict(self.lookup_choices) else queryset
