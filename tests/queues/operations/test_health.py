"""Health of a queue, by the specification's thresholds and what its numbers do not show."""

import pytest
from redis import Redis

from queues import QueueHealth, UnknownQueue, add_job, add_jobs, check_queue_health, get_queue_stats, pause_queue
from queues.jobs.registry import registry
from queues.operations.health import Level
from queues.operations.thresholds import parse_thresholds
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE, greet, spin


def levels(health: QueueHealth) -> dict[str, str]:
    return {finding.metric: finding.level.value for finding in health.findings}


@pytest.fixture
def served(connection: Redis) -> None:
    """A worker of five slots that lives but does nothing."""
    connection.sadd(f"rq:workers:{QUEUE}", "rq:worker:idle")
    connection.hset("rq:worker:idle", mapping={"birth": "2026-01-01T00:00:00.000000Z", "queues": QUEUE, f"slots:{QUEUE}": 5})


def put(connection: Redis, metric: str, count: int) -> None:
    members = {str(number): float(number) for number in range(count)}
    if metric == "waiting":
        connection.rpush(f"rq:queue:{QUEUE}", *members)
    elif count:
        connection.zadd({"failed": f"rq:failed:{QUEUE}", "delayed": f"rq:scheduled:{QUEUE}"}[metric], members)


def test_an_empty_queue_without_a_worker_is_healthy() -> None:
    health = check_queue_health(QUEUE)
    assert (health.level, health.healthy, health.findings) == (Level.HEALTHY, True, ())
    assert health.stats == get_queue_stats(QUEUE)


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(("metric", "warning", "critical"), [("waiting", 100, 1000), ("failed", 10, 100), ("delayed", 50, 500)])
def test_the_specifications_thresholds(connection: Redis, metric: str, warning: int, critical: int) -> None:
    for count, level in ((warning, None), (warning + 1, "warning"), (critical, "warning"), (critical + 1, "critical")):
        connection.delete(f"rq:queue:{QUEUE}", f"rq:failed:{QUEUE}", f"rq:scheduled:{QUEUE}")
        put(connection, metric, count)
        assert levels(check_queue_health(QUEUE)).get(metric) == level, count
    (finding,) = [each for each in check_queue_health(QUEUE).findings if each.metric == metric]
    assert (finding.value, finding.threshold) == (critical + 1, critical)
    assert str(critical + 1) in finding.sentence and f"more than {critical} is critical" in finding.sentence


@pytest.mark.usefixtures("served")
def test_healthy_is_the_specifications_formula(connection: Redis, settings) -> None:
    settings.QUEUES_HEALTH = {"failed": (None, None), "waiting": (5, 10)}
    put(connection, "failed", 99)
    put(connection, "waiting", 999)
    assert check_queue_health(QUEUE).healthy
    connection.zadd(f"rq:failed:{QUEUE}", {"one more": 1.0})
    health = check_queue_health(QUEUE)
    assert (health.healthy, levels(health)) == (False, {"waiting": "critical"})


@pytest.mark.usefixtures("served")
def test_thresholds_are_settings_of_all_queues_and_of_one(connection: Redis, settings) -> None:
    put(connection, "failed", 5)
    put(connection, "delayed", 60)
    settings.QUEUES_HEALTH = {"failed": (2, 3), "delayed": (70, 100)}
    assert levels(check_queue_health(QUEUE)) == {"failed": "critical"}
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, QUEUE: {**settings.RQ_QUEUES[QUEUE], "HEALTH": {"failed": (4, None)}}}
    assert levels(check_queue_health(QUEUE)) == {"failed": "warning"}


def test_jobs_that_wait_without_a_worker_are_critical_and_delayed_ones_a_warning() -> None:
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=60)
    assert levels(check_queue_health(QUEUE)) == {"workers": "warning"}
    greet.enqueue(name="Bob")
    health = check_queue_health(QUEUE)
    assert (levels(health), health.level) == ({"workers": "critical"}, Level.CRITICAL)
    assert health.findings[0].sentence == "No worker serves the queue, 1 waiting."


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(("age", "level"), [(290, None), (310, "warning"), (1810, "critical")])
def test_a_job_that_waits_for_long_is_told(connection: Redis, age: float, level: str | None) -> None:
    job = greet.enqueue(name="Ann")
    connection.hincrbyfloat(f"rq:job:{job.id}", "since", -age)
    assert levels(check_queue_health(QUEUE)).get("oldest_waiting_seconds") == level


def test_a_pause_is_a_warning_and_so_is_what_follows_from_it(connection: Redis) -> None:
    pause_queue(QUEUE)
    assert levels(check_queue_health(QUEUE)) == {"paused": "warning"}
    job = greet.enqueue(name="Ann")
    connection.hincrbyfloat(f"rq:job:{job.id}", "since", -9999)
    assert levels(check_queue_health(QUEUE)) == {"paused": "warning", "oldest_waiting_seconds": "warning", "workers": "warning"}
    put(connection, "failed", 101)
    assert check_queue_health(QUEUE).findings[0].metric == "failed", "the worst stands first"


def running(connection: Redis, count: int, *, started_at: str) -> None:
    """Leases as workers leave them behind that were killed."""
    for number in range(count):
        connection.hset(f"rq:job:dead{number}", mapping={"status": "started", "started_at": started_at, "origin": QUEUE})
        connection.zadd(f"rq:ext:{QUEUE}:lease", {f"dead{number}:e-{number}": float(number)})


@pytest.mark.usefixtures("served")
def test_more_long_runs_than_the_fleet_can_have_are_told(connection: Redis) -> None:
    largest = max(job.batch or 1 for job in registry if job.queue == QUEUE)  # other tests register jobs, too
    capacity = 5 * largest
    running(connection, capacity * 2, started_at="2026-01-01T00:00:00.000000Z")
    assert levels(check_queue_health(QUEUE)) == {}
    running(connection, capacity * 2 + 1, started_at="2026-01-01T00:00:00.000000Z")
    assert levels(check_queue_health(QUEUE)) == {"active": "warning"}
    running(connection, capacity * 5 + 1, started_at="2026-01-01T00:00:00.000000Z")
    assert levels(check_queue_health(QUEUE)) == {"active": "critical"}


@pytest.mark.usefixtures("served")
def test_many_short_runs_are_no_fault(connection: Redis) -> None:
    running(connection, 600, started_at="2999-01-01T00:00:00.000000Z")
    assert get_queue_stats(QUEUE).active == 600
    assert levels(check_queue_health(QUEUE)) == {}


def test_what_a_killed_worker_held_is_told_when_nobody_lives(start_worker: StartWorker, connection: Redis) -> None:
    worker = start_worker(QUEUE)
    spin.enqueue(seconds=60)
    wait_until(lambda: get_queue_stats(QUEUE).active == 1)
    worker.kill()
    worker.wait()
    (key,) = connection.smembers(f"rq:workers:{QUEUE}")
    connection.delete(key)  # as it expires
    wait_until(lambda: levels(check_queue_health(QUEUE)) == {"active": "critical"})


def test_asking_writes_nothing(connection: Redis) -> None:
    add_jobs(QUEUE, [("greet", {"name": str(number)}) for number in range(200)])
    before = {key: connection.dump(key) for key in connection.keys("*")}
    assert check_queue_health(QUEUE).findings
    assert {key: connection.dump(key) for key in connection.keys("*")} == before


def test_an_unknown_queue_is_refused() -> None:
    with pytest.raises(UnknownQueue):
        check_queue_health("nope")


@pytest.mark.parametrize(
    "value", [None, [], {"wating": (1, 2)}, {"waiting": 5}, {"waiting": (1, 2, 3)}, {"waiting": ("1", 2)}, {"waiting": (5, 2)}, {3: (1, 2)}]
)
def test_wrong_thresholds_are_refused(value: object) -> None:
    with pytest.raises(ValueError):
        parse_thresholds(value)
