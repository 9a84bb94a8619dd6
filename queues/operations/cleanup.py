"""The hourly clean-up: a job of this app itself, on the queue that QUEUES_CLEAN_QUEUE names."""

from __future__ import annotations

import logging

from queues.conf import settings
from queues.exceptions import RedisUnavailable
from queues.jobs.decorators import job, schedule
from queues.jobs.states import State
from queues.store import indexes
from queues.store.connection import translated
from queues.store.queue import get_queue, queue_names

log = logging.getLogger("queues")

CLEAN_QUEUES = "clean-queues"


def register() -> None:
    """Registers the job, unless QUEUES_CLEAN_QUEUE is None or there is no queue."""
    queue = settings.clean_queue
    if queue is not None and (queue or queue_names()):
        schedule(cron="0 * * * *")(job(name=CLEAN_QUEUES, queue=queue or queue_names()[0])(clean_queues))


def clean_queues() -> int:
    """Deletes what ended longer ago than QUEUES_CLEAN_AFTER_SECONDS, of all queues whose Redis answers, and from the indexes what
    is gone. Returns how many jobs.

    Raises RedisUnavailable at the end for those whose does not.
    """
    deleted, silent = 0, []
    for name in queue_names():
        try:
            deleted += sum(_clean(name, State(state)) for state in settings.clean_states)
            _sweep(name)
        except RedisUnavailable as error:
            silent.append(f"{name}: {error}")
    if silent:
        raise RedisUnavailable(f"Not cleaned: {'; '.join(silent)}")
    return deleted


def _sweep(name: str) -> None:
    with translated():
        indexes.sweep(get_queue(name).connection, name)


def _clean(name: str, state: State) -> int:
    count = get_queue(name).clean(settings.clean_after_seconds, states=[state])
    if count and state is State.FAILED:
        hours = settings.clean_after_seconds / 3600
        log.warning("DELETED %d DEAD LETTERS of %s, older than %g hours: QUEUES_CLEAN_STATES says so", count, name, hours)
    return count
