"""Acting on many jobs of a queue: on those that were ticked, or on all that match."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext as _

from queues import audit, models
from queues.admin.left_to_a_job import tell_left
from queues.admin.pages import FORMS, PageAdmin, page, told_in
from queues.admin.queue.bulk_words import MEANINGS, label_of, outcome
from queues.admin.queue.filter import FilterForm, Sight, state_in
from queues.conf import settings
from queues.operations import bulk
from queues.operations.selection import ACTIONS, Action, Selection
from queues.store.queue import Queue, get_queue

FIRST_IDS = 5
"""Ids that a row of the audit names."""


class BulkPages(PageAdmin):
    """Each action by the permission that it names."""

    @page(methods=("POST",))
    def act_on_selected(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """By the protocol of Django's own change list; what destroys is confirmed."""
        self._check_some(request)
        queue, sight = get_queue(unquote(object_id)), read_sight(request, unquote(object_id))
        ids = list(dict.fromkeys(request.POST.getlist("_selected_action")))
        if not request.POST.get("action") or not ids:
            messages.warning(request, _("Nothing was changed: choose an action, and the jobs to act on."))
            return self._back_to(queue, sight)
        action = self._action(request, request.POST["action"])
        if request.POST.get("select_across") == "1":
            return HttpResponseRedirect(f"{self.url('queue_bulk', quote(queue.name))}?{sight.query(action=action.name)}")
        if action.destroys and not request.POST.get("confirmed"):
            return self._confirm(request, queue, sight, action, number=len(ids), ids=ids)
        done = sum(action.run(queue, ids, sight.state))
        some = ", ".join(ids[:FIRST_IDS]) + (", ..." if len(ids) > FIRST_IDS else "")
        self._tell(request, queue, f"{action.name}, {done} of {len(ids)} selected jobs of {queue.name}: {some}")
        messages.success(request, outcome(action.name, done, len(ids)))
        return self._back_to(queue, sight)

    @page(methods=FORMS)
    def act_on_all(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Shows how many match; on POST it finds them again, and acts on them or leaves them to a job where they are many."""
        action = self._action(request, request.GET.get("action", ""))
        queue, sight = get_queue(unquote(object_id)), read_sight(request, unquote(object_id))
        selection = Selection(queue=queue, state=sight.state, wanted=sight.wanted)
        if request.method != "POST":
            number, is_exact = selection.count()
            return self._confirm(request, queue, sight, action, number=number, is_exact=is_exact)
        matches = selection.matches()
        if not matches.is_all:
            return self._leave_to_a_job(request, action, selection, sight)
        done = sum(action.run(queue, matches.ids, sight.state))
        expected = told_in(request, "count")
        self._tell(request, queue, f"{action.name}, {done} of {len(matches.ids) if expected is None else expected} {selection}")
        messages.success(request, outcome(action.name, done, expected))
        return self._back_to(queue, sight)

    def _leave_to_a_job(self, request: HttpRequest, action: Action, selection: Selection, sight: Sight) -> HttpResponseBase:
        user = request.user
        job = bulk.enqueue(action.name, selection, user_id=str(user.pk or ""), user_name=user.get_username())
        self._tell(request, selection.queue, f"{action.name}, all {selection}: left to the job {job.id}")
        tell_left(self, request, job)
        return self._back_to(selection.queue, sight)

    def _confirm(
        self,
        request: HttpRequest,
        queue: Queue,
        sight: Sight,
        action: Action,
        *,
        number: int,
        is_exact: bool = True,
        ids: list[str] | None = None,
    ) -> HttpResponseBase:
        label = label_of(action.name, number, is_exact=is_exact)
        return self.render(
            request,
            "queue/confirm_bulk.html",
            title=_("%s?") % label,
            label=label,
            queue=queue,
            sight=sight,
            action=action.name,
            meaning=MEANINGS[action.name],
            number=number,
            is_exact=is_exact,
            ids=ids,
            query=sight.here,
            is_many=ids is None and (not is_exact or number > settings.bulk_inline),
        )

    def _action(self, request: HttpRequest, name: str) -> Action:
        """Raises PermissionDenied, also for what is no action."""
        action = ACTIONS.get(name)
        if action is None or not request.user.has_perm(action.permission):
            raise PermissionDenied
        return action

    def _check_some(self, request: HttpRequest) -> None:
        if not any(request.user.has_perm(action.permission) for action in ACTIONS.values()):
            raise PermissionDenied

    def _tell(self, request: HttpRequest, queue: Queue, message: str) -> None:
        audit.record(request, models.Queue, queue.name, message)

    def _back_to(self, queue: Queue, sight: Sight) -> HttpResponseRedirect:
        return HttpResponseRedirect(f"{self.url('queue_change', quote(queue.name))}?{sight.here}")


def read_sight(request: HttpRequest, queue: str) -> Sight:
    """What the address filters by. Raises SuspiciousOperation for a filter that no page of ours offers."""
    state = state_in(request.GET)
    form = FilterForm(request.GET, state=state, queue=queue)
    if not form.is_valid():
        raise SuspiciousOperation(f"This is no filter: {form.errors.as_text()}")
    return Sight.read(request.GET, form)
