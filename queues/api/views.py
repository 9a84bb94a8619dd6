"""What a program may ask about the queues."""

from __future__ import annotations

import re
from dataclasses import replace

from django.http import HttpRequest, JsonResponse

from queues.api import documents
from queues.api.access import BadQuery, guarded
from queues.control import get_all_queue_stats
from queues.jobs.options import JOB_ID
from queues.jobs.states import State
from queues.store.finding.cursors import BEGINNING, Cursor
from queues.store.finding.filters import Filter
from queues.store.finding.pages import Page, read_page
from queues.store.queue import Queue, get_queue, queue_names
from queues.store.stats import COUNTED

SIZE = 50
"""Jobs on a page."""
NUMBER = re.compile(r"[1-9][0-9]{0,9}")


@guarded
def queues(request: HttpRequest) -> JsonResponse:
    """The five states of every queue, in the shape that the specification gives. With 503 and an error beside, that names them, where
    some cannot be read: who asks for numbers must not take a missing one for a queue that is not there."""
    found = get_all_queue_stats()
    document: dict[str, object] = {"queues": {name: stats.counts() for name, stats in found.items()}}
    if broken := [name for name in queue_names() if name not in found]:
        document["error"] = f"Cannot be read, as a key in Redis is of another type: {', '.join(broken)}. `manage.py doctor` names the key."
    return JsonResponse(document, status=503 if broken else 200)


@guarded
def queue(request: HttpRequest, name: str) -> JsonResponse:
    """All that is known of one queue as a whole."""
    return JsonResponse(documents.of_queue(get_queue(name)))


@guarded
def jobs(request: HttpRequest, name: str) -> JsonResponse:
    """A page of the jobs of one state (`state`, waiting by default), filtered by `name`, `owner`, `error_class`, and `q`: an id, or a text
    in the error or the payload. `page` is `next` or `previous` of another answer, or without a filter a number from 1 on, in pages of SIZE
    jobs, which shift while jobs come and go."""
    found = get_queue(name)
    state = _state(request.GET.get("state", State.WAITING))
    return JsonResponse(documents.of_page(found, state, _page(found, state, request)))


def _state(text: str) -> State:
    if text not in COUNTED:
        raise BadQuery(f"There is no state {text!r}: give one of {', '.join(COUNTED)}.")
    return State(text)


def _page(queue: Queue, state: State, request: HttpRequest) -> Page:
    query = request.GET
    name, owner, error_class, text = (query.get(field) or None for field in ("name", "owner", "error_class", "q"))
    wanted = Filter(name=name, owner=owner, error_class=error_class, text=text)
    named = queue.find(query["q"]) if "page" not in query and JOB_ID.fullmatch(query.get("q", "")) else None
    if named and named.state is state and replace(wanted, text=None).fits(named):
        return Page(jobs=(named,), total=1, looked=1, offset=0, next=None, previous=None)
    return read_page(queue, state, wanted, cursor=_cursor(query.get("page", ""), wanted), size=SIZE)


def _cursor(text: str, wanted: Filter) -> Cursor:
    """Raises BadQuery for what is no page: the first one in its place would be taken for the one that was asked for."""
    if NUMBER.fullmatch(text):
        if not wanted.fits_all:
            raise BadQuery("Pages have numbers without a filter alone: give `next` or `previous` of another answer as `page`.")
        return Cursor(offset=(int(text) - 1) * SIZE - 1) if text != "1" else BEGINNING
    cursor = Cursor.parse(text)
    if text and cursor == BEGINNING:
        raise BadQuery(f"There is no page {text[:100]!r}: give a number from 1 on, or `next` or `previous` of another answer.")
    return cursor
