"""Dead letters by what killed them, and what can be done with all of a kind at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues import audit, permissions
from queues.admin.dead_letter.table import Row, Selection, Sorting, words_of
from queues.admin.left_to_a_job import tell_left
from queues.admin.pages import PageAdmin, action, page, told_in
from queues.conf import settings
from queues.models import DeadLetter
from queues.operations.bulk_dead_letters import BULK_DEAD_LETTERS, BulkDeadLetters
from queues.operations.dead_letter_acts import Outcome, count_group, remove_group, retry_group
from queues.operations.dead_letters import get_dead_letters
from queues.operations.left_to_a_job import enqueue
from queues.store.fields import moment
from queues.store.queue import get_queue, queue_names

ACTS = {"retry": retry_group, "remove": remove_group}


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
        return self._act(request, "retry")

    @action(permissions.REMOVE)
    def remove(self, request: HttpRequest) -> HttpResponseBase:
        return self._act(request, "remove")

    def _act(self, request: HttpRequest, what: str) -> HttpResponseBase:
        """At once, or by a job where they are many."""
        chosen, expected, until = Selection.of(request.POST), told_in(request, "expected") or 0, until_in(request.POST)
        if expected > settings.bulk_inline:
            return self._leave_to_a_job(request, what, chosen, expected, until or timezone.now())
        outcome = ACTS[what](chosen.queues, name=chosen.name, error_class=chosen.error_class, expected=expected, until=until)
        return self._acted(request, what, chosen, outcome)

    def _leave_to_a_job(self, request: HttpRequest, what: str, chosen: Selection, expected: int, until: datetime) -> HttpResponseBase:
        for queue in chosen.queues:
            get_queue(queue)
        who = {"user_id": str(request.user.pk or ""), "user_name": request.user.get_username()}
        group = {"queues": chosen.queues, "name": chosen.name, "error_class": chosen.error_class}
        told = {"words": chosen.words, "object_id": chosen.object_id}
        payload = BulkDeadLetters.model_validate({"action": what, **group, "expected": expected, "until": until, **told, **who})
        job = enqueue(BULK_DEAD_LETTERS, payload)
        audit.record(request, DeadLetter, chosen.object_id, f"{what}, {expected} ({chosen.words}): left to the job {job.id}")
        tell_left(self, request, job)
        return self.back(request, "deadletter_changelist")

    def _confirm(self, request: HttpRequest, what: str, title: str) -> HttpResponseBase:
        chosen = Selection.of(request.GET)
        until = timezone.now()
        count = count_group(chosen.queues, name=chosen.name, error_class=chosen.error_class)
        context: dict[str, Any] = {"chosen": chosen, "count": count, "what": what, "group": words_of(chosen.error_class, chosen.name)}
        context |= {"until": until.isoformat(), "is_many": count > settings.bulk_inline}
        return self.render(request, "deadletter/confirm.html", title=title, action=self.url(f"deadletter_{what}"), **context)

    def _acted(self, request: HttpRequest, what: str, chosen: Selection, outcome: Outcome) -> HttpResponseBase:
        is_retry = what == "retry"
        text = _("%(done)d of %(expected)d retried") if is_retry else _("%(done)d of %(expected)d removed")
        told = text % {"done": outcome.done, "expected": outcome.expected}
        if outcome.changed:
            told += ngettext(", %(count)d had changed", ", %(count)d had changed", outcome.changed) % {"count": outcome.changed}
        messages.add_message(request, messages.SUCCESS if outcome.done else messages.WARNING, f"{chosen.words}: {told}.")
        audit.record(request, DeadLetter, chosen.object_id, f"{told} ({chosen.words})", flag=audit.CHANGE if is_retry else audit.DELETION)
        return self.back(request, "deadletter_changelist")


def until_in(form: QueryDict) -> datetime | None:
    """When the confirmation page was shown: what died later was not in its number."""
    return moment(form.get("until", "")[:40])
