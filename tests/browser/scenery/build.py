"""Puts the scene together: what ran, failed, waits and runs, the index of the demo's entities, and who did what."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from embeddings.models import DirtyEntity, EmbeddingUsage
from embeddings.reconciling.reconciler import reconcile
from queues import add_job, add_jobs, get_queue, get_workers, pause_queue
from queues.control import pause_worker
from queues.models import DeadLetter, Queue
from queues.testing import run_jobs
from tests.browser.scene import Scene
from tests.browser.scenery.history import write_history
from tests.browser.scenery.jobs import IMPORTS, REPORTS
from tests.processes import wait_until
from theo.context.models import Person
from theo.demo.entities import load_entities
from theo.email_sync.names import EMAIL_SYNC, PROCESS_EMAIL, SYNC_GMAIL_INCREMENTAL
from theo.notifications.names import NOTIFICATIONS, SEND_NOTIFICATION

AUDIT = [
    ("anna", Queue, "email-sync", CHANGE, "retry, 38 of 40 failed jobs of email-sync where error_class is TimeoutError"),
    ("anna", Queue, REPORTS, CHANGE, "Paused."),
    ("bela", DeadLetter, "NonRetryable:send-notification", DELETION, "12 of 12 removed (NonRetryable in send-notification)"),
    ("bela", Queue, NOTIFICATIONS, CHANGE, "cancel, 3 of 3 selected jobs of notifications"),
    ("anna", Queue, IMPORTS, CHANGE, "clean, 120 jobs that ended more than a week ago"),
]


def build_before_workers(owner: AbstractBaseUser) -> dict[str, str]:
    """What does not need a worker process. Returns jobs by state."""
    get_queue(EMAIL_SYNC).connection.flushdb()
    load_entities(owner)
    run_jobs("embeddings")
    reconcile()
    jobs = _ended()
    write_history(get_queue(EMAIL_SYNC).connection)
    _usage()
    _audit()
    pause_queue(REPORTS)
    for month in ("2026-08", "2026-09", "2026-10"):
        jobs["waiting"] = add_job(REPORTS, "monthly-report", {"month": month}).id
    return jobs


def build_with_workers(jobs: dict[str, str], owner: AbstractBaseUser, expected: int) -> Scene:
    """What they run and leave alone; `expected` of them announce themselves."""
    wait_until(lambda: len(get_workers()) == expected)
    imports = [add_job(IMPORTS, "import-contacts", {"user_id": n, "file": f"contacts-{n}.csv", "rows": 1200 * n}) for n in (3, 4, 5, 6)]
    wait_until(lambda: imports[0].refresh().progress and imports[0].refresh().progress >= 42)
    jobs |= {"active": imports[0].id}
    mails = [(SYNC_GMAIL_INCREMENTAL, {"user_id": n}) for n in range(2, 10)]
    add_jobs(EMAIL_SYNC, mails[:5])
    wait_until(lambda: get_queue(EMAIL_SYNC).stats().busy == 5)
    add_jobs(EMAIL_SYNC, mails[5:])
    spare = next(worker for worker in get_workers() if worker.queues == (NOTIFICATIONS,))
    pause_worker(spare.name)
    busy = next(worker for worker in get_workers() if IMPORTS in worker.queues)
    person = Person.objects.owned_by(owner).order_by("pk").first()
    return Scene(
        queue=EMAIL_SYNC,
        jobs=jobs,
        job_name=PROCESS_EMAIL,
        error_class="TimeoutError",
        worker=busy.name,
        schedule="deadline-reminder",
        person=person,
    )


def _ended() -> dict[str, str]:
    mails = [(PROCESS_EMAIL, {"user_id": n % 9 + 1, "message_id": f"{n:x}", "access_token": f"ya29.{n}"}) for n in range(150, 330)]
    add_jobs(EMAIL_SYNC, mails)
    texts = [
        (SEND_NOTIFICATION, {"user_id": n % 12 + 1, "channel": ("push", "mail")[n % 2], "text": "Your flight leaves in 3 h"})
        for n in range(90)
    ]
    add_jobs(NOTIFICATIONS, texts)
    run_jobs(EMAIL_SYNC, NOTIFICATIONS, delayed=True)
    queue = get_queue(EMAIL_SYNC)
    jobs = {state: queue.job_ids(state, 0, 0)[0] for state in ("completed", "failed")}
    for n in range(8):
        later = {"user_id": n + 1, "message_id": f"{n:x}1", "access_token": "ya29.x"}
        jobs["delayed"] = add_job(EMAIL_SYNC, PROCESS_EMAIL, later, delay=1800 + 300 * n).id
    return jobs


def _usage() -> None:
    today = timezone.now().date()
    EmbeddingUsage.objects.bulk_create(
        [
            EmbeddingUsage(day=today - timedelta(days=n), provider="openai", model="text-embedding-3-small", requests=40 + 7 * (n * 5 % 11),
                           tokens=21_000 + 3_700 * (n * 7 % 13))
            for n in range(1, 28)
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    parked = DirtyEntity.objects.order_by("pk").first()
    if parked:
        DirtyEntity.objects.filter(pk=parked.pk).update(parked_reason="InvalidInput: longer than 8,192 tokens", parked_at=timezone.now())


def _audit() -> None:
    LogEntry.objects.all().delete()
    for number, (name, model, about, flag, message) in enumerate(AUDIT):
        user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
        content_type = ContentType.objects.get_for_model(model)
        facts = {"object_id": about, "object_repr": about, "action_flag": flag, "change_message": message}
        LogEntry.objects.create(user=user, content_type=content_type, action_time=timezone.now() - timedelta(minutes=7 * number), **facts)
