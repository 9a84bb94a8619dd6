import json
import time

from redis import Redis

from queues import get_queue_stats, pause_queue
from queues.worker.scheduler import Scheduler
from tests.processes import StartWorker, wait_until
from tests.queues.commands.exits import run_to_exit
from tests.testapp.jobs import QUEUE, greet, spin

AWAY = {"URL": "redis://user:secret@127.0.0.1:1/0", "SERIALIZER": "json"}


def doctor(*arguments: str) -> tuple[str, int]:
    """What it wrote, and its exit code."""
    return run_to_exit("doctor", *arguments)


def diagnoses(*arguments: str) -> list[tuple[str, str]]:
    """Subject and level of each."""
    return [(each["subject"], each["level"]) for each in json.loads(doctor("--json", *arguments)[0])]


def test_a_served_system_is_well_and_a_probe_says_how_fast(start_worker: StartWorker, connection: Redis) -> None:
    start_worker()
    wait_until(lambda: get_queue_stats(QUEUE).concurrency == 5)
    text, code = doctor()
    assert code == 0, text
    assert text.count("ok        Redis at ") == 4
    assert f"{QUEUE}: 1 worker, 0 of 5 slots busy, 0 waiting, 0 failed." in text
    assert text.count(": A probe job started after ") == 3
    assert connection.keys("rq:ext:probe:*") == []
    assert get_queue_stats(QUEUE).completed == 0, "nothing is kept of it"


def test_without_a_worker_no_probe_waits_for_one() -> None:
    start = time.monotonic()
    text, code = doctor()
    assert time.monotonic() - start < 5
    assert (code, "probe" in text) == (1, False)
    assert f"warning   {QUEUE}: No worker serves the queue.\n          Start one: manage.py rqworker {QUEUE}\n" in text
    greet.enqueue(name="Ann")
    text, code = doctor()
    assert code == 2
    assert f"critical  {QUEUE}: No worker serves the queue, 1 waiting.\n          Start one: " in text


def test_a_worker_that_takes_nothing_is_found_out(start_worker: StartWorker, connection: Redis) -> None:
    worker = start_worker(QUEUE, "--no-schedules")
    wait_until(lambda: get_queue_stats(QUEUE).concurrency == 5)
    worker.kill()
    text, code = doctor("--probe-seconds", "1")
    assert code == 2
    assert f"critical  {QUEUE}: A probe job was not started within 1 s.\n          Its workers are registered but take nothing" in text
    assert connection.keys("rq:job:*") == []


def test_a_busy_fleet_is_a_warning(start_worker: StartWorker) -> None:
    start_worker(QUEUE, "--no-schedules", "--concurrency", "1")
    spin.enqueue(seconds=60)
    wait_until(lambda: get_queue_stats(QUEUE).busy == 1)
    text, code = doctor("--probe-seconds", "1")
    assert code == 1, text
    assert f"warning   {QUEUE}: A probe job was not started within 1 s.\n          All slots are busy" in text


def test_zero_seconds_send_no_probe(start_worker: StartWorker) -> None:
    start_worker()
    wait_until(lambda: get_queue_stats(QUEUE).concurrency == 5)
    assert "probe" not in doctor("--probe-seconds", "0")[0]
    assert get_queue_stats(QUEUE).completed_total == 0


def test_a_paused_queue_is_told_and_not_probed(start_worker: StartWorker) -> None:
    start_worker()
    wait_until(lambda: get_queue_stats(QUEUE).concurrency == 5)
    pause_queue(QUEUE)
    text, code = doctor()
    assert code == 1
    assert f"warning   {QUEUE}: It is paused: no job starts until it is resumed." in text
    assert f"{QUEUE}: A probe" not in text and "embeddings: A probe" in text


def test_redis_away_is_critical_and_hides_nothing_of_another(settings) -> None:
    settings.RQ_QUEUES = {"one": AWAY, "two": AWAY, QUEUE: settings.RQ_QUEUES[QUEUE]}
    start = time.monotonic()
    text, code = doctor()
    assert time.monotonic() - start < 2
    assert code == 2
    assert "critical  Redis at redis://127.0.0.1:1/0: Redis did not answer: " in text
    assert "correct its address or password in RQ_QUEUES (of one, two)" in text
    assert f"{QUEUE}: No worker serves the queue." in text
    assert "secret" not in text


def test_dead_letters_beyond_the_threshold_and_their_cure(connection: Redis) -> None:
    connection.zadd(f"rq:failed:{QUEUE}", {str(number): float(number) for number in range(101)})
    text, code = doctor()
    assert code == 2
    assert f"Look at them: manage.py queue_jobs {QUEUE} --state failed." in text


def test_leases_that_nobody_takes_back_are_critical(connection: Redis) -> None:
    connection.zadd(f"rq:ext:{QUEUE}:lease", {"gone:e-1": time.time() - 20})
    assert "workers that are gone" not in doctor()[0], "workers look every ten seconds"
    connection.zadd(f"rq:ext:{QUEUE}:lease", {"gone:e-1": time.time() - 40})
    text, code = doctor()
    assert code == 2
    assert "1 job belongs to workers that are gone, and nobody takes them back." in text


def test_a_schedule_that_nobody_serves_any_more_is_told(connection: Redis) -> None:
    Scheduler().tick()
    assert "schedule" not in doctor()[0]
    connection.hset("rq:ext:schedule:sweep-embeddings", "last_at", time.time() - 3600)
    assert ("schedule sweep-embeddings", "warning") not in diagnoses(), "its slot of this minute may still come"
    connection.hset("rq:ext:schedule:clean-queues", "last_at", time.time() - 86400)
    was_young = time.time() % 3600 < 130
    is_told = ("schedule clean-queues", "warning") in diagnoses()
    is_young = time.time() % 3600 < 130  # an hour may begin, or have begun long enough, while it looks
    assert is_told in (not was_young, not is_young)


def test_a_redis_that_may_drop_jobs_or_is_full_is_told(connection: Redis) -> None:
    before = {name: connection.config_get(name)[name] for name in ("maxmemory-policy", "maxmemory")}
    try:
        connection.config_set("maxmemory-policy", "volatile-lru")
        connection.config_set("maxmemory", int(connection.info("memory")["used_memory"] * 1.15))
        text, code = doctor()
    finally:
        for name, value in before.items():
            connection.config_set(name, value)
    assert code == 1
    assert "(maxmemory-policy volatile-lru)" in text and "Set maxmemory-policy noeviction" in text
    assert "Raise maxmemory" in text
