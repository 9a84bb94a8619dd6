"""Jobs of this app itself that say whether a queue is worked on."""

import pytest
from django.test import override_settings
from redis import Redis

from queues import get_queue_stats, queue_names
from queues.jobs.registry import registry
from queues.operations import probe
from queues.operations.probe import Passage, send_probes
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE, greet


def test_every_queue_has_one() -> None:
    assert [(each.name, each.queue) for each in registry if each.name.startswith("queue-probe-")] == [
        (f"queue-probe-{name}", name) for name in queue_names()
    ]


def test_it_goes_ahead_of_what_waits_and_leaves_nothing(start_worker: StartWorker, connection: Redis) -> None:
    for number in range(50):
        greet.enqueue(name=str(number), seconds=1.0)
    start_worker(QUEUE, "--no-schedules")
    wait_until(lambda: get_queue_stats(QUEUE).concurrency == 5)
    passage = send_probes([QUEUE], timeout_seconds=10)[QUEUE]
    assert passage.started_seconds is not None and passage.completed_seconds is not None
    assert 0 <= passage.started_seconds <= passage.completed_seconds
    assert get_queue_stats(QUEUE).waiting > 0, "it did not wait for them"
    assert connection.keys("rq:ext:probe:*") == []
    assert all(connection.hget(key, "name") == b"greet" for key in connection.keys("rq:job:*"))


def test_nobody_answering_leaves_nothing_either(connection: Redis) -> None:
    assert send_probes([QUEUE], timeout_seconds=0.1) == {QUEUE: Passage()}
    assert get_queue_stats(QUEUE).waiting == 0
    assert connection.keys("rq:job:*") == []


def test_a_worker_that_does_not_know_it_is_told_apart(start_worker: StartWorker, connection: Redis) -> None:
    start_worker(QUEUE, "--no-schedules", DJANGO_SETTINGS_MODULE="tests.queues.commands.older")
    wait_until(lambda: get_queue_stats(QUEUE).concurrency == 5)
    passage = send_probes([QUEUE], timeout_seconds=10)[QUEUE]
    assert passage.was_refused
    assert connection.keys("rq:job:*") == []


def test_a_project_without_queues_has_none() -> None:
    with override_settings(RQ_QUEUES={}):
        probe.register()
        assert send_probes([], timeout_seconds=1) == {}


def test_run_without_a_worker_of_ours_it_says_nothing(connection: Redis) -> None:
    registry.get(f"queue-probe-{QUEUE}").call({"token": "0" * 16})
    assert connection.keys("*") == []


@pytest.mark.parametrize("token", ["", "x" * 100, "a b", "../x"])
def test_a_token_is_what_we_make_and_nothing_else(connection: Redis, token: str) -> None:
    with pytest.raises(Exception, match="token"):
        registry.get(f"queue-probe-{QUEUE}").validate({"token": token})
