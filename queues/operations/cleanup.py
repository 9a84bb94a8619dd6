"""The hourly clean-up: a job of this app itself, on the queue that QUEUES_CLEAN_QUEUE names."""

from __future__ import annotations

import logging

from queues.address import server_key
from queues.conf import settings
from queues.decorators import job, schedule
from queues.exceptions import RedisUnavailable
from queues.jobs.states import State
from queues.store import index
from queues.store.connection import patiently, translated
from queues.store.queue import Queue, get_queue, queue_names

log = logging.getLogger("queues")

CLEAN_QUEUES = "clean-queues"


def register() -> None:
    """Registers the job, unless QUEUES_CLEAN_QUEUE is None or there is no queue."""
    queue = settings.clean_queue
    if queue is not None and (queue or queue_names()):
        schedule(cron="0 * * * *")(job(name=CLEAN_QUEUES, queue=queue or queue_names()[0])(clean_queues))


@patiently()
def clean_queues() -> int:
    """Deletes what ended longer ago than QUEUES_CLEAN_AFTER_SECONDS, and mends the index, of all queues whose Redis answers. Returns how
    many jobs were deleted.

    Raises RedisUnavailable at the end for those whose does not.
    """
    deleted, silent = 0, []
    pruned: set[str] = set()
    for name in queue_names():
        try:
            deleted += sum(_clean(name, State(state)) for state in settings.clean_states)
            with translated():
                _mend_index(get_queue(name), pruned)
        except RedisUnavailable as error:
            silent.append(f"{name}: {error}")
    if silent:
        raise RedisUnavailable(f"Not cleaned: {'; '.join(silent)}")
    return deleted


def _clean(name: str, state: State) -> int:
    count = get_queue(name).clean(settings.clean_after_seconds, states=[state])
    if count and state is State.FAILED:
        hours = settings.clean_after_seconds / 3600
        log.warning("DELETED %d DEAD LETTERS of %s, older than %g hours: QUEUES_CLEAN_STATES says so", count, name, hours)
    return count


def _mend_index(queue: Queue, pruned: set[str]) -> None:
    """`pruned` are the servers where that was done: the index of all their queues at once."""
    filled, dropped = index.fill(queue.connection, queue.name), 0
    if (server := server_key(queue.config)) not in pruned:
        pruned.add(server)
        dropped = index.prune(queue.connection)
    if filled or dropped:
        log.info("indexed %d jobs of %s that were not, dropped %d entries that were wrong", filled, queue.name, dropped)
