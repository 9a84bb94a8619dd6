"""Workers inside this process."""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from queues import (
    QueueStats,
    UnknownQueue,
    UnknownWorker,
    add_job,
    add_jobs,
    cancel_job,
    close_workers,
    get_failed_jobs,
    get_queue,
    get_queue_stats,
    get_worker,
    get_workers,
    pause_worker,
    register_worker,
    resume_worker,
)
from queues.exceptions import AlreadyRegistered, QueuesError
from queues.jobs.job import Job
from queues.operations.probe import send_probes
from queues.worker.keeper import Keeper
from tests.processes import wait_until
from tests.testapp.jobs import QUEUE, fail, greet, spin, tell

Traces = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def closed():
    yield
    close_workers()


def test_it_runs_the_registered_jobs_until_it_is_closed(traces: Traces) -> None:
    with register_worker(QUEUE) as worker:
        greet.enqueue(name="Ann")
        wait_until(lambda: get_queue_stats(QUEUE).completed)
        assert [found.name for found in get_workers(QUEUE)] == [worker.name] == [get_worker(QUEUE).name]
    assert traces() == ["start Ann", "end Ann"]
    assert not worker.is_running
    assert get_workers() == []


def test_what_was_taken_ahead_does_not_wait_behind_a_long_run(settings) -> None:
    """As the last ones were quick, more are taken than there are threads: they are given back, for other workers too."""
    settings.QUEUES_POLL_SECONDS = 1
    began, go_on = threading.Event(), threading.Event()

    def handle(job: Job) -> None:
        if job.data["name"] == "long":
            began.set()
            go_on.wait(60)

    with register_worker(QUEUE, handle, concurrency=1):
        add_jobs(QUEUE, [("greet", {"name": "quick"})] * 50)
        wait_until(lambda: get_queue_stats(QUEUE).completed_total == 50)
        add_jobs(QUEUE, [("greet", {"name": name}) for name in ("long", "second", "third", "fourth")])
        assert began.wait(60)
        wait_until(lambda: get_queue_stats(QUEUE).waiting == 3)
        assert [job.data["name"] for job in get_queue(QUEUE).jobs("waiting")] == ["second", "third", "fourth"]
        go_on.set()
        wait_until(lambda: get_queue_stats(QUEUE).completed_total == 54)


def test_a_handler_gets_each_job_in_place_of_its_function(traces: Traces) -> None:
    seen: list[Job] = []

    def handle(job: Job) -> str:
        seen.append(job)
        job.report_progress(50)
        return "handled"

    with register_worker(QUEUE, handle):
        added = add_job(QUEUE, "greet-all", {"name": "Ann"})
        wait_until(lambda: get_queue_stats(QUEUE).completed)
    assert [(job.id, job.name, job.data["name"], job.attempts_made) for job in seen] == [(added.id, "greet-all", "Ann", 0)]
    assert added.refresh().progress == 50
    assert added.attempts_history()[0].result == "handled"
    assert traces() == []


def test_a_handler_is_not_called_for_what_is_no_registered_job(connection: Redis) -> None:
    seen: list[Job] = []
    job = greet.enqueue(name="Ann")
    connection.hset(f"rq:job:{job.id}", "data", '["queues.jobs.run.run", null, ["no-such-job"], {}]')
    with register_worker(QUEUE, seen.append):
        wait_until(lambda: get_queue_stats(QUEUE).failed)
    assert (seen, get_failed_jobs(QUEUE)[0].error_class) == ([], "UnknownJob")


def test_a_handler_is_not_called_for_jobs_of_this_app_itself() -> None:
    seen: list[Job] = []
    with register_worker(QUEUE, seen.append):
        passage = send_probes([QUEUE], timeout_seconds=10)[QUEUE]
    assert passage.started_seconds is not None
    assert seen == []


def test_it_calls_back() -> None:
    heard: list[tuple[object, ...]] = []
    with register_worker(QUEUE) as worker:
        worker.on("completed", lambda job: heard.append(("completed", job.name)))
        worker.on("failed", lambda job, error: heard.append(("failed", job.attempts_made, str(error))))
        worker.on("progress", lambda job, progress: heard.append(("progress", progress)))
        tell.enqueue(steps=1)
        wait_until(lambda: get_queue_stats(QUEUE).completed)
        fail.using(attempts=2, backoff=0).enqueue(name="Ann")
        wait_until(lambda: get_queue_stats(QUEUE).failed)
    assert heard == [("progress", 100.0), ("completed", "tell"), ("failed", 1, "no luck with Ann"), ("failed", 2, "no luck with Ann")]


def test_it_calls_back_for_its_own_trouble(connection: Redis) -> None:
    heard: list[Exception] = []
    with register_worker(QUEUE) as worker:
        worker.on("error", heard.append)
        wait_until(lambda: get_workers(QUEUE))
        connection.set(f"rq:ext:{QUEUE}:lease", "a stranger's value")
        wait_until(lambda: heard)
        connection.delete(f"rq:ext:{QUEUE}:lease")
    assert "belongs: delete it" in str(heard[0])


def test_an_unknown_event_or_queue_and_a_second_worker_are_refused() -> None:
    with register_worker(QUEUE) as worker:
        with pytest.raises(ValueError, match="'done' is no event"):
            worker.on("done", print)  # type: ignore[arg-type]
        with pytest.raises(AlreadyRegistered):
            register_worker(QUEUE)
    with pytest.raises(UnknownQueue):
        register_worker("nowhere")


@pytest.mark.parametrize("concurrency", [0, -1, 2.5])
def test_a_concurrency_that_is_none_is_refused(concurrency: float) -> None:
    with pytest.raises(ValueError, match="whole number of at least 1"):
        register_worker(QUEUE, concurrency=concurrency)  # type: ignore[arg-type]


def test_an_async_handler_is_refused_since_nobody_would_await_it() -> None:
    async def handle(job: Job) -> None: ...

    with pytest.raises(ValueError, match="async"):
        register_worker(QUEUE, handle)


def test_closing_a_worker_again_leaves_its_successor_alone() -> None:
    first = register_worker(QUEUE)
    first.close()
    second = register_worker(QUEUE)
    first.close()
    close_workers()
    assert not second.is_running


def test_concurrency_is_the_queues_own_unless_given() -> None:
    for _ in range(8):
        spin.enqueue(seconds=1)
    with register_worker(QUEUE, concurrency=2):
        wait_until(lambda: (get_queue_stats(QUEUE).active, get_queue_stats(QUEUE).concurrency) == (2, 2))
        for job in [*get_queue_stats_jobs()]:
            cancel_job(job)


def test_a_worker_tells_all_its_slots_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly the rest of it is made: what it tells first stands for a third of a lease."""
    make = Keeper.__init__

    def make_slowly(keeper: Keeper, **parts: Any) -> None:
        make(keeper, **parts)
        time.sleep(0.5)

    monkeypatch.setattr(Keeper, "__init__", make_slowly)
    with register_worker(QUEUE, concurrency=3):
        wait_until(lambda: get_queue_stats(QUEUE).concurrency == 3, timeout_seconds=5)


def get_queue_stats_jobs() -> list[str]:
    from queues import get_queue

    return get_queue(QUEUE).job_ids("waiting") + get_queue(QUEUE).job_ids("active")


def test_a_paused_worker_starts_nothing_until_it_is_resumed(traces: Traces) -> None:
    with register_worker(QUEUE) as worker:
        assert pause_worker(worker.name) == 1
        assert get_worker(QUEUE).is_paused
        greet.enqueue(name="Ann")
        time.sleep(0.5)
        assert traces() == []
        assert resume_worker(worker.name) == 1
        wait_until(traces, timeout_seconds=4)


def test_workers_are_paused_by_the_name_of_their_queue(traces: Traces) -> None:
    with register_worker(QUEUE):
        assert pause_worker(QUEUE) == 1
        assert get_worker(QUEUE).paused == (QUEUE,)
        greet.enqueue(name="Ann")
        time.sleep(0.3)
        assert traces() == []
        resume_worker(QUEUE)
        wait_until(traces, timeout_seconds=4)


def test_another_worker_takes_what_a_paused_one_leaves(start_worker, traces: Traces) -> None:
    with register_worker(QUEUE) as worker:
        pause_worker(worker.name)
        start_worker(QUEUE)
        wait_until(lambda: len(get_workers(QUEUE)) == 2)
        for number in range(20):
            greet.enqueue(name=str(number))
        wait_until(lambda: get_queue_stats(QUEUE) == QueueStats(completed=20))


def test_a_worker_that_is_not_there_is_said_so() -> None:
    for ask in (get_worker, pause_worker, resume_worker):
        with pytest.raises(UnknownWorker, match="Start one: manage"):
            ask("nobody")
        with pytest.raises(QueuesError):
            ask(QUEUE)


def test_a_handler_fails_one_job_of_a_batch_name_alone() -> None:
    def handle(job: Job) -> None:
        if job.data["name"] == "b":
            raise SystemExit("no Exception, so that it ends its whole call")

    add_jobs(QUEUE, [("greet-all", {"name": name}) for name in "abc"], attempts=1)
    with register_worker(QUEUE, handle):
        wait_until(lambda: get_queue_stats(QUEUE) == QueueStats(completed=2, failed=1))
    assert get_failed_jobs(QUEUE)[0].data["name"] == "b"


def test_a_worker_that_ended_by_itself_or_stayed_in_the_parent_process_makes_room_for_another() -> None:
    first = register_worker(QUEUE)
    first._worker.request_stop(signal.SIGTERM, None)
    wait_until(lambda: not first.is_running)
    with register_worker(QUEUE):
        greet.enqueue(name="Ann")
        wait_until(lambda: get_queue_stats(QUEUE).completed)
