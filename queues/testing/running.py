"""Runs jobs here and now, as a worker with one thread would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TestCase

from queues.exceptions import EndlessJobs
from queues.jobs.states import State
from queues.store import scripts
from queues.store.connection import translated
from queues.store.queue import Queue, get_queue, queue_names
from queues.worker.announcer import log_outcome, send
from queues.worker.claimer import Claimer, Room
from queues.worker.claims import Unit
from queues.worker.outcomes import Kind, Outcome
from queues.worker.runner import run
from queues.worker.settling import settle

WORKER = "run_jobs"
LEASE_SECONDS = 3600
RUNS_OF_ONE_JOB = 100


def run_jobs(*names: str, delayed: bool = False, propagate: bool = False, limit: int = 10_000) -> int:
    """Runs all jobs of these queues (default: all of them) in the calling thread until none is due. Returns how many runs there were.

    Claimed, run, settled, logged and announced as by a worker, those included that jobs add meanwhile; no timeout strikes.
    Due is what waits, and every delayed job or retry whose time has come; with `delayed` the others too, each as if its
    time had come as soon as nothing else is due. A paused queue gives none. With `propagate` a job that fails is not
    retried but dead, and the first error is raised when all have run. What a job leaves to a commit, inside a
    transaction of the test, happens when it ends.
    Raises EndlessJobs after `limit` runs, or a hundred of one job; UnknownQueue, RedisUnavailable.
    """
    queues = [get_queue(name) for name in names or queue_names()]
    claimer = Claimer(worker=WORKER, lease_seconds=LEASE_SECONDS)
    runs: Counter[str] = Counter()
    errors: list[BaseException] = []
    while True:
        ended = [outcome for queue in queues for unit in _claim(claimer, queue) for outcome in _run(queue, unit, is_last=propagate)]
        errors += [outcome.error for outcome in ended if outcome.kind is Kind.DEAD and outcome.error]
        for outcome in ended:
            runs[outcome.claim.id] += 1
            _check_end(outcome, runs, limit)
        if not ended and not (delayed and _promote(queues)):
            break
    if propagate and errors:
        raise errors[0]
    return runs.total()


def _claim(claimer: Claimer, queue: Queue) -> list[Unit]:
    """One call's jobs: what a job does to the queue, as pausing it, counts for the next."""
    room = [Room(queue=queue.name, units=1)]
    with translated():
        units, next_due = claimer.claim(queue.connection, room)
        while not units and next_due is not None and next_due <= 0:  # it ended before it had seen all
            units, next_due = claimer.claim(queue.connection, room)
    return units


def _run(queue: Queue, unit: Unit, *, is_last: bool) -> list[Outcome]:
    """The accepted outcomes. Whatever passes through, as `pytest.fail` does, the jobs do not stay leased."""
    outcomes = [Outcome(claim=claim, kind=Kind.BACK) for claim in unit.claims]
    try:
        with committing():
            outcomes = run(unit)
            if is_last:
                outcomes = [replace(outcome, kind=Kind.DEAD) if outcome.kind is Kind.RETRY else outcome for outcome in outcomes]
    finally:
        with translated():
            settled = settle(queue.connection, WORKER, outcomes)
        for outcome in settled:
            log_outcome(outcome)
            send(outcome)
    return settled


def _promote(queues: Sequence[Queue]) -> int:
    """Makes all delayed jobs wait, the earliest first. Returns how many."""
    promoted = 0
    for queue in queues:
        if not queue.is_paused and (ids := queue.job_ids(State.DELAYED)):
            with translated():
                promoted += int(scripts.promote(queue.connection, queue.name, ids))
    return promoted


def _check_end(outcome: Outcome, runs: Counter[str], limit: int) -> None:
    """Raises EndlessJobs."""
    claim, count = outcome.claim, runs[outcome.claim.id]
    if count >= RUNS_OF_ONE_JOB and outcome.kind in (Kind.RETRY, Kind.LATER):
        raise EndlessJobs(f"The job {claim.name!r} ({claim.id}) of {claim.queue!r} was put back {count} times: {outcome.error}")
    if runs.total() > limit:
        raise EndlessJobs(f"More than {limit} runs, the last one of {claim.name!r}: a job that adds itself anew, or too low a `limit`?")


@contextmanager
def committing() -> Iterator[None]:
    """In a test's transaction a job's commit hooks run when it ends, since its own transactions would have committed by then."""
    with ExitStack() as stack:
        for connection in connections.all(initialized_only=True):
            if connection.in_atomic_block:
                stack.enter_context(_hooks_apart(connection))
                stack.enter_context(TestCase.captureOnCommitCallbacks(using=connection.alias, execute=True))
        yield


@contextmanager
def _hooks_apart(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Those of the test itself are kept for the test's commit."""
    kept, connection.run_on_commit = connection.run_on_commit, []
    try:
        yield
    finally:
        connection.run_on_commit = kept
