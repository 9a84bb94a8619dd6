"""What is done with many jobs of a queue at once, in slices that bound how long Redis is held up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import redis

from queues import signals
from queues.exceptions import JobCancelled
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import keys, listing, scripts, workers
from queues.store.connection import translated
from queues.store.fields import rq_time, text
from queues.store.slices import in_slices

if TYPE_CHECKING:
    from queues.store.queue import Queue


def act(script: scripts.Script, queue: Queue, ids: Sequence[str], *arguments: str) -> int:
    """Runs a script that takes (queue, further arguments, ids) and returns how many it met. One round trip a slice."""
    with translated():
        return sum(int(script(queue.connection, queue.name, *arguments, part)) for part in in_slices(ids))


def cancel(queue: Queue, ids: Sequence[str]) -> dict[str, State]:
    """See Queue.cancel_many. One round trip a slice, and one more where workers are told."""
    stopped: dict[str, State] = {}
    for part in in_slices(ids):
        stopped |= _cancel(queue, part)
    return stopped


def _cancel(queue: Queue, ids: Sequence[str]) -> dict[str, State]:
    is_heard = signals.dead.has_listeners(Job)

    def fill(pipeline: redis.client.Pipeline) -> None:
        for job_id in ids if is_heard else ():  # before: of many dead letters some are trimmed at once
            pipeline.hgetall(keys.job(job_id))
        scripts.cancel.ask(pipeline, queue.name, rq_time(time.time()), str(queue.keep_failed), ids)

    with translated():
        *hashes, answers = scripts.answers_of(queue.connection, fill, scripts.cancel)
        stopped = {job_id.decode(): State(state.decode()) for job_id, state, _ in answers}
        _tell_workers(queue, {job_id.decode(): text(worker) for job_id, state, worker in answers if state == b"active"})
    if is_heard:
        _announce(job for job in listing.parse(ids, hashes) if stopped.get(job.id, State.ACTIVE) is not State.ACTIVE)
    return stopped


def _tell_workers(queue: Queue, running: dict[str, str]) -> None:
    if not running:
        return
    with queue.connection.pipeline(transaction=False) as pipeline:
        for job_id, worker in running.items():
            workers.send(pipeline, worker, command="cancel-job", job_id=job_id)
        pipeline.execute()


def _announce(jobs: Iterator[Job]) -> None:
    """Sends `dead` for jobs that were cancelled before they ran; a running one's worker does it."""
    for job in jobs:
        error = JobCancelled("it was cancelled before it ran")
        died = replace(job, state=State.FAILED, error=f"JobCancelled: {error}", error_class="JobCancelled")
        signals.dead.send_robust(sender=Job, job=died, error=error)
