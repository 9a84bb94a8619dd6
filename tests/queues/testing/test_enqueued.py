import pytest
from django.db import transaction

from queues import State, UnknownQueue, add_job
from queues.testing import enqueued_jobs, run_jobs
from tests.testapp.jobs import QUEUE, fail, greet

pytestmark = pytest.mark.django_db(transaction=True)


def names(**filters: str) -> list[str]:
    return [job.data["name"] for job in enqueued_jobs(**filters)]


def test_waiting_delayed_and_provisional_jobs_are_shown_in_this_order() -> None:
    greet.using(delay=60).enqueue(name="delayed")
    greet.enqueue(name="waiting")
    add_job(QUEUE, "greet", {"name": "first"}, priority=-1)
    with transaction.atomic():
        greet.enqueue(name="provisional")
        jobs = enqueued_jobs()
    assert [job.data["name"] for job in jobs] == ["first", "waiting", "delayed", "provisional"]
    assert [job.state for job in jobs] == [State.WAITING, State.WAITING, State.DELAYED, State.PROVISIONAL]


def test_they_are_chosen_by_queue_by_job_and_by_state() -> None:
    greet.enqueue(name="Ann")
    greet.using(delay=60).enqueue(name="Bob")
    fail.enqueue(name="Cleo")
    assert (names(name="greet"), names(state="delayed"), names(state="provisional")) == (["Ann", "Bob"], ["Bob"], [])
    assert (len(enqueued_jobs(QUEUE)), enqueued_jobs("embeddings")) == (3, [])


def test_what_has_run_is_not_enqueued_any_more() -> None:
    greet.enqueue(name="Ann")
    run_jobs()
    assert enqueued_jobs() == []


def test_provisional_jobs_go_with_their_savepoint_and_their_commit() -> None:
    with transaction.atomic():
        greet.enqueue(name="Ann")
        with pytest.raises(RuntimeError), transaction.atomic():
            greet.enqueue(name="Bob")
            raise RuntimeError
        assert names(state="provisional") == ["Ann"]
    assert (names(state="provisional"), names(state="waiting")) == ([], ["Ann"])
    with pytest.raises(RuntimeError), transaction.atomic():
        greet.enqueue(name="Cleo")
        raise RuntimeError
    assert names() == ["Ann"]


def test_a_captured_commit_shows_each_job_once(django_capture_on_commit_callbacks: object) -> None:
    with transaction.atomic():
        with django_capture_on_commit_callbacks(execute=True):
            greet.enqueue(name="Ann")
            assert names() == ["Ann"]
        assert [(job.data["name"], job.state) for job in enqueued_jobs()] == [("Ann", State.WAITING)]
    assert names() == ["Ann"]


@pytest.mark.parametrize("state", ["active", "completed", "failed"])
def test_jobs_that_have_started_are_not_asked_for_here(state: str) -> None:
    with pytest.raises(ValueError, match="waiting, delayed, provisional"):
        enqueued_jobs(state=state)


def test_an_unknown_queue_is_refused() -> None:
    with pytest.raises(UnknownQueue):
        enqueued_jobs("nowhere")
