"""docs/from-bullmq.md, run: every Python block, section by section, on real Redis; and nothing of either interface left out of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands
from django.dispatch import Signal
from django.test import Client

import queues
from queues import close_workers, get_queue_stats, signals, testing
from queues.checks.queues import check_queues
from queues.conf import QueuesSettings
from queues.jobs.registry import registry
from queues.testing import run_jobs
from tests.processes import wait_until
from tests.queues.accounts import make_user
from tests.readme import read_blocks

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "from-bullmq.md"
TEXT = PAGE.read_text()
PREAMBLE = "preamble"

SUBJECTS = """
Quick start, Queue names, Getting queues, Adding jobs, Default job options, Queue statistics, Queue control, Graceful shutdown,
Registering workers, Worker events, Worker control, Job names and typed data, Embedding worker, Admin API, Best practices,
1. Idempotent jobs, 2. Handle failures gracefully, 3. Use appropriate concurrency, 4. Progress reporting, 5. Clean up old jobs,
Error handling, Failed job handling, Dead letter queue, Monitoring, Job lifecycle, Health check, Metrics, Testing, Options,
States, Worker options, Events, Numbers, Where it behaves differently
"""
"""The specification's sections, as our headings begin, and the tables."""

BULLMQ = """
REDIS_URL initializeEmbeddingWorker QUEUE_NAMES JOB_NAMES getQueue addJob getQueueStats pauseQueue resumeQueue cleanQueue closeQueues
registerWorker pauseWorker resumeWorker getWorker closeWorkers getFailed retry remove updateProgress attemptsMade delay priority attempts
backoff exponential removeOnComplete removeOnFail concurrency completed failed error waiting active delayed addBulk jobId deduplication lifo
repeat limiter FlowProducer lockDuration stalledInterval maxStalledCount UnrecoverableError vi.mock setInterval
"""
"""What the specification calls, sets and hears; and what a reader of BullMQ's own pages will look for."""


JOBS = """
generate-embedding delete-embedding bulk-embed sync-gmail sync-gmail-incremental process-email send-notification deadline-reminder
cleanup-embeddings refresh-token
"""
"""The specification's JOB_NAMES."""

DATA = """
EmbeddingJobData userId entityType entityId operation, BulkEmbedJobData userId entityType entityIds,
EmailSyncJobData userId accountId syncType cursor, ProcessEmailJobData userId accountId messageId threadId,
DeadlineReminderJobData userId deadlineId reminderMinutesBefore
"""
"""Its interfaces with their fields."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a check may look at: the names that the section has so far, the settings, and what was printed since the last look."""

    names: dict[str, Any]
    settings: Any
    printed: Callable[[], str]


BLOCKS = list(read_blocks(PAGE))
DATABASE = {block.section for block in BLOCKS if block.check in ("database", "endpoint")}
SECTIONS = [
    pytest.param(section, marks=pytest.mark.django_db(transaction=True) if section in DATABASE else ())
    for section in dict.fromkeys(block.section for block in BLOCKS if block.check != PREAMBLE)
]


@pytest.fixture(autouse=True)
def only_the_pages_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No jobs but the page's and those of the embeddings app, without schedules; no receivers or workers that outlive the page."""
    known = {each.name: replace(each, schedules=()) for each in registry if each.path.startswith("embeddings.")}
    monkeypatch.setattr(registry, "_by_name", known)
    monkeypatch.setattr(registry, "_by_path", {each.path: each for each in known.values()})
    for signal in [each for each in vars(signals).values() if isinstance(each, Signal)]:
        monkeypatch.setattr(signal, "receivers", list(signal.receivers))
    yield
    close_workers()


@pytest.fixture
def names() -> dict[str, Any]:
    """What the blocks of one section share."""
    shared: dict[str, Any] = {"__name__": "from_bullmq"}
    for block in BLOCKS:
        if block.check == PREAMBLE:
            block.run(shared)
    return shared


@pytest.mark.parametrize("section", SECTIONS)
def test_the_blocks_of_a_section_run(section: str, names: dict[str, Any], settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for block in BLOCKS:
        if block.section == section and block.check != PREAMBLE:
            block.run(names)
            if block.check in CHECKS:
                CHECKS[block.check](Ran(names=names, settings=settings, printed=lambda: capsys.readouterr().out))


def settings_are_accepted(ran: Ran) -> None:
    ran.settings.RQ_QUEUES = ran.names["RQ_QUEUES"]
    assert [found.id for found in check_queues() if found.id.startswith("queues.E")] == []


def the_handler_ran(ran: Ran) -> None:
    wait_until(lambda: ran.names["job"].refresh().state == "completed")
    assert "Processing job send-notification: {'user_id': 'user-1'" in ran.printed()
    assert ran.names["job"].attempts_history()[0].result == "done"


def the_callbacks_heard(ran: Ran) -> None:
    wait_until(lambda: get_queue_stats("email-sync").counts() == {"waiting": 0, "active": 0, "completed": 1, "failed": 1, "delayed": 0})
    ran.names["worker"].close()
    assert sorted(ran.printed().splitlines()) == ["Job bad failed: the message cannot be parsed", "Job good completed"]


def the_worker_is_known(ran: Ran) -> None:
    wait_until(lambda: queues.get_workers("email-sync"))


def the_endpoint_answers(ran: Ran) -> None:
    ran.settings.ROOT_URLCONF = tuple(ran.names["urlpatterns"])
    client = Client()
    client.force_login(make_user("view_queue"))
    assert client.get("/api/admin/queues").json() == ran.names["answer"]


def the_receivers_were_told(ran: Ran) -> None:
    run_jobs("email-sync")
    failures = [f"email-sync process-email attempt {number}: the message cannot be parsed" for number in (1, 2, 3)]
    assert ran.printed().splitlines() == [*failures, "process-email failed permanently"]


CHECKS: dict[str, Callable[[Ran], None]] = {
    "settings": settings_are_accepted,
    "handled": the_handler_ran,
    "heard": the_callbacks_heard,
    "worker_is_known": the_worker_is_known,
    "endpoint": the_endpoint_answers,
    "told": the_receivers_were_told,
}


def test_every_python_block_is_found_and_every_mark_is_known() -> None:
    assert len(BLOCKS) == TEXT.count("```python")
    marks = {block.check for block in BLOCKS if block.check}
    assert marks == {*CHECKS, "database", PREAMBLE}
    assert TEXT.count("<!-- ") == sum(1 for block in BLOCKS if block.check)


def test_every_subject_of_the_specification_has_a_section() -> None:
    headings = re.findall(r"^###? (.+)$", TEXT, re.M)
    subjects = [" ".join(subject.split()) for subject in SUBJECTS.split(",")]
    assert [subject for subject in subjects if not any(heading.startswith(subject) for heading in headings)] == []


def test_every_public_name_and_every_name_of_the_specification_is_on_the_page() -> None:
    words = set(re.findall(r"[\w.]*\w", TEXT)) | set(re.findall(r"\w+", TEXT))
    assert {*queues.__all__, *testing.__all__, *BULLMQ.split()} - words == set()


def test_every_job_and_payload_of_the_specification_is_on_the_page() -> None:
    assert [name for name in JOBS.split() if f"`{name}`" not in TEXT] == []
    for interface, *fields in map(str.split, DATA.split(",")):
        (row,) = [line for line in TEXT.splitlines() if f"`{interface}`" in line]
        named = {re.sub(r"(?<=[a-z])[A-Z]", lambda big: f"_{big[0].lower()}", field) for field in fields}
        assert named <= set(re.findall(r"`(\w+)`", row)), interface


def test_every_setting_and_command_that_the_page_names_is_there() -> None:
    settings = {f"QUEUES_{name.upper()}" for name in QueuesSettings.__annotations__}
    assert set(re.findall(r"\bQUEUES_\w+", TEXT)) - settings == set()
    commands = set(re.findall(r"manage\.py ([\w-]+)", TEXT)) | set(re.findall(r"`(queue_\w+)[ `]", TEXT)) - set(queues.__all__)
    assert commands - set(get_commands()) == set()
