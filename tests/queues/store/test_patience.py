"""Who acts on very many jobs waits for a busy Redis longer than a request may."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from redis import Redis

from queues import RedisUnavailable, get_queue_stats
from queues.operations.bulk import BulkJobs, bulk_jobs
from queues.operations.cleanup import clean_queues
from queues.store.connection import close_all, new_connection
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db
"""They write the audit."""


@pytest.fixture
def slow(settings) -> Iterator[Callable[[], object]]:
    """Makes Redis answer nobody for twice as long as callers wait."""
    settings.QUEUES_ANSWER_SECONDS = 0.2
    close_all()
    controller: Redis = new_connection(QUEUE)
    yield lambda: controller.client_pause(400)
    controller.client_unpause()
    controller.close()
    close_all()


@pytest.mark.parametrize(
    "act",
    [
        lambda: bulk_jobs(BulkJobs(action="retry", queue=QUEUE, state="failed")),
        clean_queues,
        lambda: call_command("queue_retry", QUEUE),
        lambda: call_command("queue_clean", QUEUE, older_than=0.0),
        lambda: call_command("queue_drain", QUEUE, yes=True),
        lambda: call_command("queue_jobs", QUEUE, text="a"),
    ],
    ids=["bulk job", "clean-up", "queue_retry", "queue_clean", "queue_drain", "queue_jobs"],
)
def test_what_acts_on_very_many_jobs_outlasts_an_answer_that_a_caller_would_not(act: Callable[[], object], slow, connection: Redis) -> None:
    slow()
    act()


def test_a_caller_does_not_wait_so_long(slow, connection: Redis) -> None:
    slow()
    with pytest.raises(RedisUnavailable):
        get_queue_stats(QUEUE)
