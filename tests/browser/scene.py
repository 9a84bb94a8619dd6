"""What there is to see on every page: jobs in every state whose texts attack, counts of a day, a worker that lives and one that does
not, a paused queue, schedules, embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import redis
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django_rq import get_queue as get_rq_queue

from embeddings.models import DirtyEntity, EmbeddingUsage, FanOut
from embeddings.reconciling.reconciler import reconcile
from queues import add_job, get_queue, get_schedule, get_schedules
from queues.jobs.running import log, report_progress, running
from queues.models import Queue
from queues.store import keys
from queues.testing import run_jobs
from queues.worker import ConcurrentWorker
from queues.worker.claimer import Claimer, Room
from queues.worker.leases import renew
from tests.browser.hostile import HOSTILE
from tests.queues.store.counting import plant_day
from tests.testapp.jobs import QUEUE
from theo.context.models import Person

WORKER = '<img/src=x/onerror=window.__ran=1>"worker'


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What pages can be opened about. `jobs` has an id per state; jobs of the name `job_name` died of `error_class`."""

    queue: str
    jobs: dict[str, str]
    job_name: str
    error_class: str
    worker: str
    schedule: str
    person: Person


def prepare(connection: redis.Redis, owner: User) -> Scene:
    """The caller closes the connection of the worker, which announces itself and then keeps still, for as long as it takes to look."""
    jobs = {"completed": _add("greet", {"name": HOSTILE}), "failed": _add("fail", {"name": HOSTILE}, attempts=1)}
    jobs["told"] = _add("tell", {"steps": 3})
    run_jobs(QUEUE)
    _write_hostile_facts(connection, jobs["failed"])
    jobs["active"] = _start_job(connection)
    jobs["waiting"] = _add("mail", {"user_id": 7, "subject": HOSTILE})
    _add("mail", {"user_id": 7, "subject": "urgent"}, priority=-1)
    jobs["delayed"] = _add("greet", {"name": HOSTILE}, delay=3600)
    jobs["strange"] = _add("greet", {"name": "Ann"})
    connection.hset(keys.job(jobs["strange"]), mapping={"name": HOSTILE, "owner": HOSTILE, "progress": "[]"})
    _announce_worker(connection)
    plant_day(connection, QUEUE)
    get_queue("email-sync").pause()
    get_schedule("sweep-embeddings").disable()
    get_schedule("clean-queues").run_now()
    return Scene(
        queue=QUEUE,
        jobs=jobs,
        job_name="fail",
        error_class="ValueError",
        worker=WORKER,
        schedule=get_schedules()[0].name,
        person=_embed(owner),
    )


def _add(name: str, data: dict[str, object], **options: object) -> str:
    return add_job(QUEUE, name, data, **options).id  # type: ignore[arg-type]


def _write_hostile_facts(connection: redis.Redis, job_id: str) -> None:
    """What only the job itself and its worker write."""
    connection.hset(keys.job(job_id), mapping={"owner": HOSTILE, "worker_name": HOSTILE})
    connection.rpush(keys.log(job_id), HOSTILE, *(f"line {number}" for number in range(40)))
    connection.hset(keys.job(job_id), "progress", f'{{"step": 1, "of": "{HOSTILE[:33]}"}}')


def _start_job(connection: redis.Redis) -> str:
    job_id = _add("tell", {"steps": 100})
    (unit,), _ = Claimer(worker=WORKER, lease_seconds=3600).claim(connection, [Room(queue=QUEUE, units=1)])
    renew(connection, WORKER, unit.claims)
    with running(unit.claims[0].job):
        report_progress(40)
        log(HOSTILE)
    return job_id


def _announce_worker(connection: redis.Redis) -> None:
    """Of the hostile name, which no worker could give to its own connection."""
    worker = ConcurrentWorker([get_rq_queue(QUEUE)], connection=connection, name="worker", serializer="json")
    worker.register_birth()
    worker.heartbeat()
    connection.rename(keys.worker("worker"), keys.worker(WORKER))
    connection.persist(keys.worker(WORKER))
    long_ago = "2026-01-01T00:00:00Z"
    silent = {"birth": long_ago, "last_heartbeat": long_ago, "queues": QUEUE, "hostname": "<b>far</b>", "running": 7}
    connection.hset(keys.worker("jones"), mapping=silent)
    connection.sadd("rq:workers", keys.worker("jones"))
    connection.sadd("rq:workers", keys.worker(WORKER))
    connection.sadd(f"rq:workers:{QUEUE}", keys.worker(WORKER))


def _embed(owner: User) -> Person:
    """A person who was embedded, one who is owed it, one who is parked; a fan-out, usage and progress of the reconciler."""
    person = Person.objects.create(user=owner, name=HOSTILE, notes="Prefers appointments before ten.", source_id="1")
    run_jobs("embeddings")
    reconcile()
    parked, _ = (Person.objects.create(user=owner, name=name, source_id=name) for name in ("Parked", "Pending"))
    now = timezone.now()
    owed = {"version": 1, "dirtied_at": now, "enqueued_at": now, "parked_at": now}
    FanOut.objects.create(entity_type="person", path="friends", related_id="7", parked_reason=HOSTILE, **owed)
    EmbeddingUsage.objects.create(day="2026-01-02", provider="fake", model=HOSTILE[:100], requests=3, tokens=1234)
    DirtyEntity.objects.filter(entity_id=str(parked.pk)).update(parked_reason=HOSTILE, parked_at=now)
    content_type = ContentType.objects.get_for_model(Queue)
    LogEntry.objects.create(
        user=owner, content_type=content_type, object_id=QUEUE, object_repr=QUEUE, action_flag=CHANGE, change_message=HOSTILE
    )
    get_queue("embeddings").drain()
    return person
