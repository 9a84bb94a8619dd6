import logging
import time
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.test import override_settings
from django_rq import get_queue as get_rq_queue

from queues import RedisUnavailable, State, add_job, add_jobs, get_queue, get_queue_stats, signals
from queues.exceptions import StillStarting, UnsupportedByQueues
from tests.testapp.jobs import QUEUE, greet

pytestmark = pytest.mark.django_db(transaction=True)

AWAY = {name: {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"} for name in (QUEUE, "embeddings")}


def names(state: str = "waiting") -> list[str]:
    return [job.data["name"] for job in get_queue(QUEUE).jobs(state)]


def test_a_job_of_a_transaction_is_published_on_commit() -> None:
    with transaction.atomic():
        job = greet.enqueue(name="Ann")
        assert job.state is State.PROVISIONAL
        assert names() == []
    assert get_queue(QUEUE).job_ids("waiting") == [job.id]


def test_a_rolled_back_transaction_enqueues_nothing() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        greet.enqueue(name="Ann")
        raise RuntimeError
    greet.enqueue(name="Bob")
    assert names() == ["Bob"]


def test_a_rolled_back_savepoint_drops_only_its_own() -> None:
    with transaction.atomic():
        greet.enqueue(name="Ann")
        with pytest.raises(RuntimeError), transaction.atomic():
            greet.enqueue(name="Bob")
            raise RuntimeError
        with transaction.atomic():
            greet.enqueue(name="Cleo")
        with pytest.raises(RuntimeError), transaction.atomic():
            greet.enqueue(name="Dan")
            raise RuntimeError
    assert names() == ["Ann", "Cleo"]


def test_the_jobs_of_a_transaction_leave_in_one_call() -> None:
    connection = get_queue(QUEUE).connection
    greet.enqueue(name="first")  # the script is known from here on
    before = connection.info("commandstats")["cmdstat_evalsha"]["calls"]
    with transaction.atomic():
        for number in range(50):
            greet.enqueue(name=f"n{number}")
    assert connection.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
    assert len(names()) == 51


def test_redis_away_at_commit_fails_no_request_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    told: list[dict[str, Any]] = []

    def receive(**event: Any) -> None:
        told.append(event)

    signals.publish_failed.connect(receive)
    try:
        with override_settings(RQ_QUEUES=AWAY), caplog.at_level(logging.ERROR, "queues"):
            started = time.monotonic()
            with transaction.atomic():
                job = greet.enqueue(name="Ann")
            assert time.monotonic() - started < 0.1
    finally:
        signals.publish_failed.disconnect(receive)
    assert [job.id] == [lost.id for lost in told[0]["jobs"]]
    assert isinstance(told[0]["error"], RedisUnavailable)
    assert "did not reach Redis" in caplog.text


def test_redis_away_without_a_transaction_raises_at_once() -> None:
    with override_settings(RQ_QUEUES=AWAY), pytest.raises(RedisUnavailable):
        greet.enqueue(name="Ann")


def test_captured_commit_callbacks_publish_too(django_capture_on_commit_callbacks: Any) -> None:
    with transaction.atomic():
        with django_capture_on_commit_callbacks(execute=True):
            greet.enqueue(name="Ann")
        assert names() == ["Ann"]
        with django_capture_on_commit_callbacks(execute=True):
            greet.enqueue(name="Bob")
        assert names() == ["Ann", "Bob"]


def test_delay_keeps_a_job_from_waiting() -> None:
    job = greet.using(delay=60).enqueue(name="Ann")
    assert job.state is State.DELAYED
    assert (get_queue_stats(QUEUE).waiting, get_queue_stats(QUEUE).delayed) == (0, 1)


def test_lower_priority_numbers_run_first_and_equal_ones_in_order() -> None:
    for name, priority in [("p5", 5), ("n1", 0), ("p1", 1), ("urgent", -1), ("n2", 0), ("p1b", 1)]:
        add_job(QUEUE, "greet", {"name": name}, priority=priority)
    assert names() == ["urgent", "n1", "n2", "p1", "p1b", "p5"]


@pytest.mark.parametrize("delay", [None, 60])
def test_a_second_add_with_the_same_dedupe_key_returns_the_first(delay: float | None) -> None:
    first = add_job(QUEUE, "greet", {"name": "Ann"}, delay=delay, dedupe="ann")
    second = add_job(QUEUE, "greet", {"name": "Ann"}, delay=delay, dedupe="ann")
    assert first.id == second.id
    assert sum([get_queue_stats(QUEUE).waiting, get_queue_stats(QUEUE).delayed]) == 1


def test_a_deduplicated_job_takes_the_earlier_time_and_the_better_priority() -> None:
    add_job(QUEUE, "greet", {"name": "other"})
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=60, dedupe="ann", priority=3)
    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann", priority=-1)
    assert names() == ["Ann", "other"]


def test_dedupe_may_depend_on_the_payload() -> None:
    jobs = add_jobs(QUEUE, [("greet", {"name": name}) for name in ("Ann", "Bob", "Ann")], dedupe=lambda payload: payload["name"])
    assert jobs[0].id == jobs[2].id != jobs[1].id


def test_django_rqs_plain_enqueue_is_accepted_for_registered_functions() -> None:
    get_rq_queue(QUEUE).enqueue("tests.testapp.jobs.greet", name="Ann")
    assert get_queue_stats(QUEUE).waiting == 1


def test_what_the_worker_would_ignore_is_refused_when_enqueued() -> None:
    job = get_rq_queue(QUEUE).enqueue("tests.testapp.jobs.greet", name="Ann")
    with pytest.raises(UnsupportedByQueues, match="depends_on"):
        get_rq_queue(QUEUE).enqueue("tests.testapp.jobs.greet", name="Bob", depends_on=job)


def test_a_commit_hook_with_a_transaction_of_its_own_loses_no_job() -> None:
    def hook() -> None:
        with transaction.atomic():
            greet.enqueue(name="inner")

    with transaction.atomic():
        greet.enqueue(name="first")
        transaction.on_commit(hook)
        greet.enqueue(name="last")
    assert sorted(names()) == ["first", "inner", "last"]


def test_what_is_added_while_django_starts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps, "ready", False)  # as at the import of a jobs.py
    with pytest.raises(StillStarting, match="every process would add one"):
        greet.enqueue(name="Ann")
