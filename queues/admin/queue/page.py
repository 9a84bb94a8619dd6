"""The page of one queue: its jobs by state, filtered, page by page."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.translation import gettext as _

from queues.admin.pages import PageAdmin, page
from queues.admin.queue.bulk_words import VERBS
from queues.admin.queue.filter import TABS, FilterForm, Sight, state_in
from queues.admin.queue.job_rows import job_rows
from queues.admin.queue.metrics_report import MINUTES, Report, Window
from queues.control import get_job
from queues.exceptions import JobNotFound
from queues.jobs.options import JOB_ID
from queues.operations.selection import ACTIONS, Action
from queues.store.finding.pages import Page, read_page
from queues.store.queue import Queue, get_queue

MOST = 100_000
"""A tab shows no larger number; the exact one is in its title, and above the jobs."""


class QueuePage(PageAdmin):
    """A tab per state; what is looked at is in the address: see Sight."""

    @page()
    def queue_page(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Two round trips, and more only where a text is looked for."""
        queue, state = get_queue(unquote(object_id)), state_in(request.GET)
        form = FilterForm(request.GET, state=state, queue=queue.name)
        if not form.is_valid():
            return self._show(request, queue, form, Sight.unfiltered(state), None)
        if job_id := form.cleaned_data["id"]:
            if (address := self._find(job_id)) is not None:
                return HttpResponseRedirect(address)
            form.add_error("id", _("There is no job of this id in any queue. Ended jobs are kept by count."))
            return self._show(request, queue, form, Sight.unfiltered(state), None)
        sight = Sight.read(request.GET, form)
        found = read_page(queue, state, sight.wanted, order=sight.order, cursor=sight.cursor, size=sight.size, minutes=MINUTES)
        return self._show(request, queue, form, sight, found)

    def _find(self, job_id: str) -> str | None:
        """Where the job's page is; None where there is no such job."""
        try:
            return self.url("job_change", quote(get_job(job_id).id)) if JOB_ID.fullmatch(job_id) else None
        except (JobNotFound, NoReverseMatch):
            return None

    def _show(self, request: HttpRequest, queue: Queue, form: FilterForm, sight: Sight, found: Page | None) -> HttpResponseBase:
        numbers = found or read_page(queue, sight.state, size=1, minutes=MINUTES)
        stats = numbers.stats
        rows = job_rows(found.jobs, found.due) if found else []
        waits = stats.oldest_waiting_seconds
        return self.render(
            request,
            "queue/queue.html",
            title=queue.name,
            queue=queue,
            stats=stats,
            oldest=None if waits is None else timezone.now() - timedelta(seconds=waits),
            form=form,
            sight=sight,
            page=found,
            rows=rows,
            has_errors=any(row.error for row in rows),
            reach=_reach(found) if found else None,
            most=MOST,
            tabs=[(state, words, stats.counts()[state], sight.tab_query(state)) for state, words in TABS.items()],
            actions=[(action.name, VERBS[action.name]) for action in self._actions(request, sight)],
            query=sight.query(),
            report=Report(queue=queue.name, window=Window.HOUR, spans=numbers.minutes),
        )

    def _actions(self, request: HttpRequest, sight: Sight) -> list[Action]:
        return [action for action in ACTIONS.values() if sight.state in action.states and request.user.has_perm(action.permission)]


def _reach(found: Page) -> int:
    """How many jobs from the beginning on were looked at, up to this page's end."""
    if found.next is None or found.next.offset is None:
        return found.total
    return found.next.offset + 1
