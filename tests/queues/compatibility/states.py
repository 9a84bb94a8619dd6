"""A queue with a job in every state that this package knows, as a running system has them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import rq
from django_rq import get_queue as get_rq_queue
from redis import Redis

from queues import add_job, get_queue
from queues.jobs.running import log, report_progress, running
from queues.testing import run_jobs
from queues.worker.claimer import Claimer, Room
from queues.worker.claims import Claim
from queues.worker.leases import Reaper, renew
from tests.testapp.jobs import QUEUE


@dataclass
class Filled:
    """The ids by what the job is."""

    ids: dict[str, str] = field(default_factory=dict)


def _add(filled: Filled, what: str, name: str = "greet", data: dict[str, object] | None = None, **options: object) -> str:
    filled.ids[what] = add_job(QUEUE, name, data or {"name": what}, **options).id  # type: ignore[arg-type]
    return filled.ids[what]


def claim(connection: Redis, lease_seconds: int = 300) -> list[Claim]:
    """What waits, taken as the worker `holder` takes it."""
    units, _ = Claimer(worker="holder", lease_seconds=lease_seconds).claim(connection, [Room(queue=QUEUE, units=20)])
    return [claim for unit in units for claim in unit.claims]


def seconds_ago(claim: Claim, seconds: float) -> Claim:
    """The same claim, taken so long ago."""
    return replace(claim, claimed_at=claim.claimed_at - seconds)


def fill(connection: Redis) -> Filled:
    """Ends with jobs in each state; no worker runs."""
    filled = Filled()
    _ended(filled, connection)
    _active(filled, connection)
    _waiting(filled, connection)
    return filled


def _ended(filled: Filled, connection: Redis) -> None:
    _add(filled, "without result", "mail", {"user_id": 1, "subject": "hello"})
    _add(filled, "with result")
    _add(filled, "failed", "give-up")
    _add(filled, "failed after attempts", "fail", attempts=1)
    _add(filled, "batch item one", "greet-all")
    _add(filled, "batch item two", "greet-all")
    _add(filled, "put back", "fail", backoff=300)
    _add(filled, "told", "tell", {"steps": 2})
    run_jobs(QUEUE)
    stalled = _add(filled, "stalled")
    for _ in range(2):
        claim(connection, lease_seconds=0)
        Reaper([QUEUE])._reap_queue(connection, QUEUE)
    assert get_queue(QUEUE).get(stalled).state == "failed"
    get_queue(QUEUE).cancel(_add(filled, "cancelled"))
    get_rq_queue(QUEUE).enqueue("tests.testapp.jobs.unregistered", "/nowhere")
    run_jobs(QUEUE)


def _active(filled: Filled, connection: Redis) -> None:
    for what in ("active long", "active short"):
        _add(filled, what)
    long, short = claim(connection)
    long = seconds_ago(long, 30)
    renew(connection, "holder", [long, short])
    with running(long.job):
        report_progress(40)
        log("forty percent")


def _waiting(filled: Filled, connection: Redis) -> None:
    _add(filled, "waiting")
    _add(filled, "urgent", priority=-1)
    _add(filled, "owned", "mail", {"user_id": 7, "subject": "hello"})
    _add(filled, "deduplicated", dedupe="once")
    _add(filled, "delayed", delay=3600)
    queue = get_rq_queue(QUEUE)
    filled.ids["plain django-rq"] = queue.enqueue("tests.testapp.jobs.greet", name="stock", meta={"from": "django-rq"}).id
    plain = rq.Queue(QUEUE, connection=connection, serializer="json")
    filled.ids["plain rq"] = plain.enqueue("tests.testapp.jobs.greet", name="stock", retry=rq.Retry(max=2)).id


def snapshot(connection: Redis, *, but: tuple[str, ...] = ()) -> dict[str, object]:
    """Every key's content, and whether it expires: what a reader must leave as it is."""
    found: dict[str, object] = {}
    for key in sorted(connection.scan_iter()):
        if not key.decode().startswith(but or ("\0",)):
            found[key.decode()] = (connection.dump(key), connection.ttl(key) >= 0)
    return found
