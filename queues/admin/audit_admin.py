"""Who did what to how many: the admin's log, as far as it is about what has pages like ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from queues.admin.pages import PageAdmin, page
from queues.models import AuditEntry

COUNTED = 10_000
"""Rows that are counted, and can be paged through; filters lead to older ones."""
USERS = 200
KINDS = {ADDITION: _("added"), CHANGE: _("changed"), DELETION: _("removed")}


class CappedPaginator(Paginator[Any]):
    """Counts no further than COUNTED: a log of a million rows is counted in no time."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:COUNTED].count())

    @property
    def is_capped(self) -> bool:
        return self.count == COUNTED


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
    title, parameter_name = _("about"), "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(str(kind.pk), kind.name) for kind in model_admin.content_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        chosen = self.value()
        return queryset.filter(content_type__id=chosen) if chosen in dict(self.lookup_choices) else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(PageAdmin):
    """Of all apps that have a PageAdmin. Nothing but the list, to read."""

    change_list_template = "admin/queues/auditentry/change_list.html"
    list_display = ("action_time", "who", "kind", "about", "what", "change_message")
    list_display_links = None
    list_filter = (UserFilter, KindFilter, AboutFilter)
    list_select_related = ("user", "content_type")
    list_per_page = 50
    date_hierarchy = "action_time"
    search_fields = ("change_message", "object_repr")
    search_help_text = _("In what was done and in the object's name.")
    ordering = ("-id",)  # as by time, but with an index
    sortable_by = ()
    show_full_result_count = False
    paginator = CappedPaginator
    actions = None

    def pages(self) -> list[URLPattern]:
        return [self.route("", self.entries, "changelist")]

    @page()
    def entries(self, request: HttpRequest) -> HttpResponseBase:
        return self.changelist_view(request, {"title": _("Audit"), "sections": self._sections()})

    def content_types(self) -> list[ContentType]:
        """What the rows may be about, by name."""
        labels = {each.opts.app_label for each in self.admin_site._registry.values() if isinstance(each, PageAdmin)}
        return sorted(ContentType.objects.filter(app_label__in={"queues", *labels}), key=lambda kind: kind.name)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        about = [kind.pk for kind in self.content_types()]
        return super().get_queryset(request).filter(content_type_id__in=about)

    @admin.display(description=_("user"))
    def who(self, entry: AuditEntry) -> str:
        return str(entry.user.get_username())

    @admin.display(description=_("kind"))
    def kind(self, entry: AuditEntry) -> str:
        return str(KINDS.get(entry.action_flag, entry.action_flag))

    @admin.display(description=_("about"))
    def about(self, entry: AuditEntry) -> str:
        return str(entry.content_type.name) if entry.content_type else ""

    @admin.display(description=_("object"))
    def what(self, entry: AuditEntry) -> str:
        """Leads to its page, where that kind has one; what is gone by now says so there."""
        kind = entry.content_type
        if kind is None or not entry.object_id:
            return entry.object_repr
        try:
            url = reverse(f"{self.admin_site.name}:{kind.app_label}_{kind.model}_change", args=[quote(entry.object_id)])
        except NoReverseMatch:
            return entry.object_repr
        return format_html('<a href="{}">{}</a>', url, entry.object_repr)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
