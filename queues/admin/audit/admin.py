"""Who did what to how many: the admin's log, as far as it is about what has pages like ours."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from queues.admin.audit.filters import KINDS, AboutFilter, KindFilter, UserFilter
from queues.admin.lists import PatientList
from queues.admin.pages import PageAdmin, page
from queues.admin.words import time_element
from queues.models import AuditEntry

COUNTED = 10_000
"""Rows that are counted, and can be paged through; filters lead to older ones."""
SEARCHED = 100_000
"""Rows, the newest of those that the filters leave, in which a text is looked for."""


class AuditRows(QuerySet[AuditEntry]):
    def datetimes(self, field_name: str, kind: str, *args: Any, **kwargs: Any) -> list[datetime]:  # type: ignore[override]
        """For the date hierarchy: the years, months or days from the first row to the last. In some nobody may have done anything:
        to leave those out would read the whole log."""
        orders = ("id", "-id")
        ends = [timezone.localtime(at) for order in orders for at in self.order_by(order).values_list("action_time", flat=True)[:1]]
        return _spans(kind, *ends) if ends else []


def _spans(kind: str, first: datetime, last: datetime) -> list[datetime]:
    zone = first.tzinfo
    match kind:
        case "day":
            return [datetime.fromordinal(day).replace(tzinfo=zone) for day in range(first.toordinal(), last.toordinal() + 1)]
        case "month":
            months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
            return [datetime(month // 12, month % 12 + 1, 1, tzinfo=zone) for month in months]
    return [datetime(year, 1, 1, tzinfo=zone) for year in range(first.year, last.year + 1)]


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # subscriptable in the stubs only
    """Counts no further than COUNTED: a log of a million rows is counted in no time."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:COUNTED].count())

    @property
    def is_capped(self) -> bool:
        return self.count == COUNTED


@admin.register(AuditEntry)
class AuditEntryAdmin(PatientList, PageAdmin):
    """Of all apps that have a PageAdmin. Nothing but the list, to read."""

    change_list_template = "admin/queues/auditentry/change_list.html"
    list_display = ("when", "who", "change_message", "what", "kind")
    list_display_links = None
    list_filter = (UserFilter, KindFilter, AboutFilter)
    list_select_related = ("user", "content_type")
    list_per_page = 50
    date_hierarchy = "action_time"
    search_fields = ("change_message", "object_repr")
    search_help_text = _("In what was done and in the object's name, in the newest 100,000 of what the filters leave.")
    ordering = ("-id",)  # as by time, but with an index
    sortable_by = ()
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    actions = None

    def pages(self) -> list[URLPattern]:
        return [self.route("", self.entries, "changelist")]

    @page()
    def entries(self, request: HttpRequest) -> HttpResponseBase:
        return self.changelist_view(request, {"title": _("Audit"), "sections": self._sections(request)})

    def content_types(self, request: HttpRequest) -> list[ContentType]:
        """What the rows may be about, by name: of the apps whose pages this user may see."""
        pages = [each for each in self.admin_site._registry.values() if isinstance(each, PageAdmin)]
        labels = {each.opts.app_label for each in pages if each.has_view_permission(request)}
        found = ContentType.objects.filter(app_label__in=labels).exclude(app_label="queues", model="auditentry")
        return sorted(found, key=lambda kind: kind.name)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        about = [kind.pk for kind in self.content_types(request)]
        return AuditRows(self.model).filter(content_type_id__in=about).order_by(*self.ordering)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        if search_term and (beyond := queryset.order_by("-id").values_list("id", flat=True)[SEARCHED : SEARCHED + 1]):
            queryset = queryset.filter(id__gt=beyond[0])
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description=_("time"))
    def when(self, entry: AuditEntry) -> str:
        at = timezone.localtime(entry.action_time)
        return time_element(at, format_html("<span>{}</span> <span>{}</span>", f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}"))

    @admin.display(description=_("user"))
    def who(self, entry: AuditEntry) -> str:
        return str(entry.user.get_username())

    @admin.display(description=_("kind"))
    def kind(self, entry: AuditEntry) -> str:
        return str(KINDS.get(entry.action_flag, entry.action_flag))

    @admin.display(description=_("object"))
    def what(self, entry: AuditEntry) -> str:
        """Leads to its page, where that kind has one; what is gone by now says so there."""
        kind = entry.content_type
        if kind is None or not entry.object_id:
            return entry.object_repr
        try:
            url = reverse(f"{self.admin_site.name}:{kind.app_label}_{kind.model}_change", args=[quote(entry.object_id)])
        except NoReverseMatch:
            return f"{kind.name} {entry.object_repr}"
        return format_html('{} <a href="{}">{}</a>', kind.name, url, entry.object_repr)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
