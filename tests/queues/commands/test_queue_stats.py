import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from queues import get_queue
from queues.testing import run_jobs
from queues.worker import ConcurrentWorker
from tests.testapp.jobs import QUEUE, give_up, greet


@pytest.fixture
def filled() -> None:
    greet.enqueue(name="Ann")
    give_up.enqueue(name="Bob")
    run_jobs(QUEUE)
    greet.enqueue(name="Cleo")
    greet.using(delay=60).enqueue(name="Dan")


def queue_stats(*arguments: str) -> str:
    out = StringIO()
    call_command("queue_stats", *arguments, stdout=out)
    return out.getvalue()


def test_all_queues_stand_in_an_aligned_table(filled: None) -> None:
    assert queue_stats().splitlines() == [
        "queue          waiting  active  completed  failed  delayed  workers",
        "embeddings           0       0          0       0        0        0",
        "email-sync           0       0          0       0        0        0",
        "notifications        1       0          1       1        1        0",
    ]


def test_only_the_named_queues_are_shown(filled: None) -> None:
    assert [line.split()[0] for line in queue_stats("embeddings").splitlines()] == ["queue", "embeddings"]


def test_json_has_the_specified_shape_and_the_workers_once_each(filled: None) -> None:
    from django_rq.queues import get_queues

    queues = get_queues(QUEUE, "embeddings")
    worker = ConcurrentWorker(queues, connection=queues[0].connection, name="the-worker")
    worker.register_birth()
    document = json.loads(queue_stats("--json"))
    worker.register_death()
    worker.connection.close()
    counts = {"waiting": 1, "active": 0, "completed": 1, "failed": 1, "delayed": 1}
    assert document["queues"][QUEUE].items() >= {**counts, "paused": False, "workers": 1, "completed_total": 1}.items()
    (found,) = document["workers"]
    assert (found["name"], found["pid"], found["running"]) == ("the-worker", worker.pid, 0)
    assert sorted(found["queues"]) == ["embeddings", QUEUE]


def test_an_unknown_queue_is_refused_with_those_that_exist() -> None:
    with pytest.raises(CommandError, match=r"Unknown queue 'nope'.*notifications"):
        queue_stats("nope")


def test_redis_away_is_one_sentence(settings) -> None:
    settings.RQ_QUEUES = {"mail": {"URL": "redis://127.0.0.1:1/0"}}
    with pytest.raises(CommandError, match="Redis did not answer"):
        queue_stats()
    assert get_queue("mail").name == "mail"
