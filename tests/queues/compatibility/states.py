"""A queue with a job in every state that this package knows, as a running system has them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import orjson
import rq
from django_rq import get_queue as get_rq_queue
from redis import Redis

from queues import add_job, get_queue
from queues.jobs.running import log, report_progress, running
from queues.testing import run_jobs
from queues.worker.claims import Claim, Claimer, Room, Unit
from queues.worker.leases import Reaper, renew
from queues.worker.outcomes import settle
from queues.worker.runner import run
from tests.testapp.jobs import QUEUE

SECOND = "embeddings"
COUNTING_DOWN = ("heartbeat", "last_heartbeat")


@dataclass
class Filled:
    """The ids by what the job is; `held` are those that a worker holds."""

    ids: dict[str, str] = field(default_factory=dict)
    held: list[Claim] = field(default_factory=list)


def _add(filled: Filled, what: str, name: str = "greet", data: dict[str, object] | None = None, **options: object) -> str:
    filled.ids[what] = add_job(QUEUE, name, data or {"name": what}, **options).id  # type: ignore[arg-type]
    return filled.ids[what]


def _claim(connection: Redis, lease_seconds: int = 300) -> list[Unit]:
    return Claimer(worker="holder", lease_seconds=lease_seconds).claim(connection, [Room(queue=QUEUE, units=20)])[0]


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
        _claim(connection, lease_seconds=0)
        Reaper([QUEUE])._reap_queue(connection, QUEUE)
    assert get_queue(QUEUE).get(stalled).state == "failed"
    get_queue(QUEUE).cancel(_add(filled, "cancelled"))
    get_rq_queue(QUEUE).enqueue("tests.testapp.jobs.unregistered", "/nowhere")
    run_jobs(QUEUE)


def _active(filled: Filled, connection: Redis) -> None:
    for what in ("active long", "active short"):
        _add(filled, what)
    units = _claim(connection)
    filled.held = [claim for unit in units for claim in unit.claims]
    long = next(claim for claim in filled.held if claim.id == filled.ids["active long"])
    object.__setattr__(long, "claimed_at", time.time() - 30)
    renew(connection, "holder", filled.held)
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


def settle_held(connection: Redis, filled: Filled) -> None:
    """Ends what is held as a worker does."""
    for claim in filled.held:
        settle(connection, "holder", run(Unit(queue=QUEUE, name=claim.name, claims=[claim], timeout_seconds=60)))


def snapshot(connection: Redis, *, but: tuple[str, ...] = ()) -> dict[str, object]:
    """Every key's content, and whether it expires: what a reader must leave as it is."""
    found: dict[str, object] = {}
    for key in sorted(connection.scan_iter()):
        if not key.decode().startswith(but or ("\0",)):
            found[key.decode()] = (connection.dump(key), connection.ttl(key) >= 0)
    return found


def meta_of(connection: Redis, job_id: str) -> object:
    return orjson.loads(connection.hget(f"rq:job:{job_id}", "meta") or b"null")
