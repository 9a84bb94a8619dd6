"""Dead letters by what killed them, and what can be done with all of a kind at once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues import permissions
from queues.admin import audit
from queues.admin.dead_letter_table import Row, Selection, Sorting, words_of
from queues.admin.pages import PageAdmin, action, page, told_in
from queues.models import DeadLetter
from queues.operations.dead_letters import Outcome, count_group, get_dead_letters, remove_group, retry_group
from queues.store.queue import queue_names


@admin.register(DeadLetter)
class DeadLetterAdmin(PageAdmin):
    def pages(self) -> list[URLPattern]:
        return [
            self.route("", self.overview, "changelist"),
            self.route("retry/confirm/", self.confirm_retry, "confirm_retry"),
            self.route("remove/confirm/", self.confirm_remove, "confirm_remove"),
            self.route("retry/", self.retry, "retry"),
            self.route("remove/", self.remove, "remove"),
            self.route("<path:object_id>/change/", self.group, "change"),
        ]

    @page()
    def overview(self, request: HttpRequest) -> HttpResponseBase:
        """All groups, or those that `queue`, `name` and `error_class` in the address leave, in the order of `sort`."""
        chosen, sorting = Selection.of(request.GET), Sorting.of(request.GET)
        found = get_dead_letters(chosen.queues, name=chosen.name or None, error_class=chosen.error_class or None)
        rows = [Row(group=group, queue=chosen.queue) for group in sorting.apply(found.groups)]
        context: dict[str, Any] = {"rows": rows, "found": found, "chosen": chosen, "sorting": sorting, "queues": queue_names()}
        return self.render(request, "deadletter/overview.html", title=_("Dead letters"), **context)

    @page()
    def group(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Where the admin's log leads: the list, with this group alone."""
        error_class, _colon, name = unquote(object_id).partition(":")
        return HttpResponseRedirect(f"{self.url('deadletter_changelist')}?{urlencode({'error_class': error_class, 'name': name})}")

    @page(permissions.CHANGE)
    def confirm_retry(self, request: HttpRequest) -> HttpResponseBase:
        return self._confirm(request, "retry", _("Retry dead letters"))

    @page(permissions.REMOVE)
    def confirm_remove(self, request: HttpRequest) -> HttpResponseBase:
        return self._confirm(request, "remove", _("Remove dead letters"))

    @action(permissions.CHANGE)
    def retry(self, request: HttpRequest) -> HttpResponseBase:
        chosen = Selection.of(request.POST)
        outcome = retry_group(chosen.queues, name=chosen.name, error_class=chosen.error_class, expected=told_in(request, "expected") or 0)
        text = ngettext("%(done)d of %(expected)d retried", "%(done)d of %(expected)d retried", outcome.expected)
        return self._acted(request, chosen, outcome, text, audit.CHANGE)

    @action(permissions.REMOVE)
    def remove(self, request: HttpRequest) -> HttpResponseBase:
        chosen = Selection.of(request.POST)
        outcome = remove_group(chosen.queues, name=chosen.name, error_class=chosen.error_class, expected=told_in(request, "expected") or 0)
        text = ngettext("%(done)d of %(expected)d removed", "%(done)d of %(expected)d removed", outcome.expected)
        return self._acted(request, chosen, outcome, text, audit.DELETION)

    def _confirm(self, request: HttpRequest, what: str, title: str) -> HttpResponseBase:
        chosen = Selection.of(request.GET)
        count = count_group(chosen.queues, name=chosen.name, error_class=chosen.error_class)
        context: dict[str, Any] = {"chosen": chosen, "count": count, "what": what, "group": words_of(chosen.error_class, chosen.name)}
        return self.render(request, "deadletter/confirm.html", title=title, action=self.url(f"deadletter_{what}"), **context)

    def _acted(self, request: HttpRequest, chosen: Selection, outcome: Outcome, text: str, flag: int) -> HttpResponseBase:
        told = text % {"done": outcome.done, "expected": outcome.expected}
        if outcome.changed:
            told += ngettext(", %(count)d had changed", ", %(count)d had changed", outcome.changed) % {"count": outcome.changed}
        messages.add_message(request, messages.SUCCESS if outcome.done else messages.WARNING, f"{chosen.words}: {told}.")
        audit.record(request, DeadLetter, chosen.object_id, f"{told} ({chosen.words})", flag=flag)
        return self.back(request, "deadletter_changelist")
