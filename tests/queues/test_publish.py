import logging
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.test import override_settings
from django_rq import get_queue as get_rq_queue

from queues import Job, RedisUnavailable, State, add_jobs, get_queue, get_queue_stats, signals
from queues.exceptions import StillStarting, UnsupportedByQueues
from tests.clock import quickest
from tests.testapp.jobs import QUEUE, greet

pytestmark = pytest.mark.django_db(transaction=True)

AWAY = {name: {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"} for name in (QUEUE, "embeddings")}


def names(state: str = "waiting") -> list[str]:
    return [job.data["name"] for job in get_queue(QUEUE).jobs(state)]


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
    jobs: list[Job] = []

    def receive(**event: Any) -> None:
        told.append(event)

    @transaction.atomic
    def save() -> None:
        jobs.append(greet.enqueue(name="Ann"))

    signals.publish_failed.connect(receive)
    try:
        with override_settings(RQ_QUEUES=AWAY), caplog.at_level(logging.ERROR, "queues"):
            assert quickest(save) < 0.1
    finally:
        signals.publish_failed.disconnect(receive)
    assert [job.id for job in jobs] == [lost.id for event in told for lost in event["jobs"]]
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
