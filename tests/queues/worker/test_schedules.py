"""Schedules in real worker processes."""

import signal
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from queues import add_job, get_queue_stats, get_schedule
from queues.jobs.registry import registry
from queues.store.schedules import PastRun
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE

TICKING = {"DJANGO_SETTINGS_MODULE": "tests.queues.ticking.settings"}


@pytest.fixture(autouse=True)
def tick() -> Iterator[None]:
    """The schedule that the workers know, known here too."""
    from tests.queues.ticking import jobs

    registry.register(jobs.tick.definition)
    yield
    registry.unregister("tick")


def runs() -> list[PastRun]:
    return [run for run in get_schedule("tick").past_runs() if not run.is_skipped]


def test_workers_one_of_which_is_killed_run_each_slot_once(start_worker: StartWorker, traces: Callable[[], list[str]]) -> None:
    killed, other = start_worker(QUEUE, **TICKING), start_worker("embeddings", QUEUE, **TICKING)
    wait_until(lambda: len(runs()) >= 3)
    killed.kill()
    wait_until(lambda: len(runs()) >= 6)
    other.send_signal(signal.SIGTERM)
    assert other.wait(60) == 0
    found = runs()
    assert len({run.slot for run in found}) == len({run.job_id for run in found}) == len(found)
    assert 4 <= traces().count("tick") <= len(found)
    stats = get_queue_stats(QUEUE)
    assert stats.waiting + stats.active + stats.completed == len(found)


def test_a_worker_of_another_queue_looks_after_schedules_too(start_worker: StartWorker) -> None:
    start_worker("embeddings", **TICKING)
    wait_until(lambda: get_queue_stats(QUEUE).waiting == 1)


def test_no_schedules_leaves_them_to_other_workers(start_worker: StartWorker, connection: Redis) -> None:
    worker = start_worker(QUEUE, "--no-schedules", **TICKING)
    add_job(QUEUE, "greet", {"name": "Ann"})
    wait_until(lambda: get_queue_stats(QUEUE).completed == 1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert connection.keys("rq:ext:schedule:*") == []
    get_schedule("tick").run_now()
    start_worker(QUEUE, "--no-schedules", "--burst", **TICKING).wait(20)
    assert get_queue_stats(QUEUE).completed == 2, "what was added is run all the same"
