"""One run per slot, whatever happens. `NOON` is given as the time where time matters."""

import threading

import pytest
from redis import Redis

from queues import get_queue, get_schedule
from queues.store import keys
from queues.worker.scheduler import Scheduler
from tests.queues.scheduling import DAY, HOUR, NAME, NOON, Scheduled, run_all, tick, waiting
from tests.testapp.jobs import QUEUE


def test_a_new_interval_fires_at_once(scheduled: Scheduled) -> None:
    scheduled(every=HOUR)
    Scheduler().tick()
    assert waiting() == 1


def test_a_new_cron_schedule_waits_for_its_slot(scheduled: Scheduled) -> None:
    scheduled(cron="0 * * * *", timezone="UTC")
    tick(NOON, NOON + 1, NOON + HOUR - 0.001)
    tick(NOON + HOUR - 0.001)
    assert waiting() == 0
    tick(NOON + HOUR)
    assert waiting() == 1


def test_the_payload_is_that_of_the_schedule(scheduled: Scheduled) -> None:
    scheduled(every=HOUR, data={"note": "hello"})
    tick(NOON)
    assert [each.data for each in get_queue(QUEUE).jobs("waiting") if each.name == NAME] == [{"note": "hello"}]


def test_each_slot_gets_one_run_however_often_and_by_however_many_it_is_looked_at(scheduled: Scheduled) -> None:
    scheduled(cron="0 * * * *", timezone="UTC")
    processes = [Scheduler() for _ in range(3)]
    for slot in range(4):
        for process in processes:
            for seconds in (0, 1, 59, 1800):
                process.tick(NOON + slot * HOUR + seconds)
        run_all()
        tick(NOON + slot * HOUR + 1900)
    assert [run.slot.timestamp() for run in get_schedule(NAME).past_runs()] == [NOON + slot * HOUR for slot in (3, 2, 1)]
    assert waiting() == 0


def test_threads_that_race_for_a_slot_add_one_run(scheduled: Scheduled) -> None:
    scheduled(every=HOUR)
    for slot in range(20):
        barrier = threading.Barrier(8)

        def look(barrier: threading.Barrier = barrier, slot: int = slot) -> None:
            scheduler = Scheduler()
            barrier.wait()
            scheduler.tick(NOON + slot * HOUR)

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert waiting() == 1
        run_all()
    runs = get_schedule(NAME).past_runs()
    assert (len(runs), len({run.job_id for run in runs})) == (20, 20)


def test_missed_slots_collapse_into_one_run_of_the_latest(scheduled: Scheduled) -> None:
    scheduled(cron="0 * * * *", timezone="UTC")
    tick(NOON - 1, NOON)
    run_all()
    tick(NOON + DAY + 60)
    assert waiting() == 1
    assert [run.slot.timestamp() for run in get_schedule(NAME).past_runs()] == [NOON + DAY, NOON]


def test_while_the_previous_run_waits_a_slot_adds_none_and_says_so(scheduled: Scheduled) -> None:
    scheduled(every=HOUR)
    tick(NOON)
    for slot in (1, 2, 3):
        tick(NOON + slot * HOUR)
    assert waiting() == 1
    skipped, first = get_schedule(NAME).past_runs()
    assert (skipped.is_skipped, skipped.slots, skipped.slot.timestamp()) == (True, 3, NOON + 3 * HOUR)
    assert (first.is_skipped, first.job_id) == (False, skipped.job_id)
    run_all()
    tick(NOON + 3 * HOUR + 60)
    assert waiting() == 0, "its slot was passed over"
    tick(NOON + 4 * HOUR)
    assert waiting() == 1


def test_a_run_between_two_attempts_is_not_hastened_nor_its_attempts_reset(scheduled: Scheduled, connection: Redis) -> None:
    """Else a job that fails for ever would never be a dead letter."""
    scheduled(every=HOUR)
    tick(NOON)
    (job_id,) = [each.id for each in get_queue(QUEUE).jobs("waiting") if each.name == NAME]
    connection.lrem(keys.waiting(QUEUE), 0, job_id)
    connection.zadd(keys.delayed(QUEUE), {job_id: NOON * 2})
    connection.hset(keys.job(job_id), mapping={"status": "scheduled", "attempts_made": 1, "put_back": "retry"})
    tick(NOON + HOUR)
    (delayed,) = get_queue(QUEUE).jobs("delayed")
    assert (delayed.id, delayed.attempts_made, waiting()) == (job_id, 1, 0)


@pytest.mark.parametrize("text", ["nan", "inf", "-nan", "rubbish", "1e400", ""])
def test_a_slot_is_taken_once_whatever_a_stranger_wrote(scheduled: Scheduled, connection: Redis, text: str) -> None:
    scheduled(cron="0 * * * *", timezone="UTC")
    tick(NOON - 1)
    connection.hset(keys.schedule(NAME), mapping={"slot": text, "enabled_at": text})
    (since,) = connection.keys(f"{keys.schedule(NAME)}:since:*")
    connection.set(since, text)
    for second in range(3):
        tick(NOON + second)
        run_all()
    assert [run.slot.timestamp() for run in get_schedule(NAME).past_runs() if run.slot] == [NOON]


def test_a_changed_cron_text_waits_for_its_own_slot(scheduled: Scheduled) -> None:
    scheduled(cron="0 12 * * mon", timezone="UTC")
    tick(NOON - 7 * DAY, NOON)
    run_all()
    scheduled(cron="0 9 * * *", timezone="UTC")
    tick(NOON + DAY)
    assert waiting() == 0, "nine o'clock had passed when it was first seen"
    tick(NOON + DAY + 21 * HOUR)
    assert waiting() == 1


def test_processes_with_the_old_and_the_new_text_each_serve_their_slots(scheduled: Scheduled) -> None:
    old, new = Scheduler(), Scheduler()
    for hour in range(6):
        scheduled(cron="0 * * * *", timezone="UTC")
        old.tick(NOON + hour * HOUR)
        scheduled(cron="30 * * * *", timezone="UTC")
        new.tick(NOON + hour * HOUR + 1800)
        run_all()
        tick(NOON + hour * HOUR + 1900)
    slots = [(run.slot.timestamp() - NOON) / 1800 for run in reversed(get_schedule(NAME).past_runs())]
    assert slots == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]


def test_an_emptied_redis_makes_no_known_schedule_new(scheduled: Scheduled, connection: Redis) -> None:
    scheduled(cron="0 * * * *", timezone="UTC")
    scheduler = Scheduler()
    scheduler.tick(NOON - 60)
    connection.flushdb()
    scheduler.tick(NOON)
    assert waiting() == 1


def test_a_clock_that_was_ahead_for_years_does_not_stop_a_schedule(scheduled: Scheduled) -> None:
    scheduled(cron="0 * * * *", timezone="UTC")
    scheduler = Scheduler()
    scheduler.tick(NOON + 1000 * DAY)
    scheduler.tick(NOON + 1001 * DAY)
    run_all()
    scheduler.tick(NOON)
    assert waiting() == 1
    run_all()
    scheduler.tick(NOON + 60)
    assert waiting() == 0


def test_state_fades_when_nobody_looks_and_stays_while_somebody_does(scheduled: Scheduled, connection: Redis) -> None:
    scheduled(cron="0 0 1 1 *", timezone="UTC")
    scheduler = Scheduler()
    scheduler.tick(NOON)
    found = [key.decode() for key in connection.keys("rq:ext:schedule:scheduled*")]
    assert found == ["rq:ext:schedule:scheduled:since:cron 0 0 1 1 * (UTC)"]
    get_schedule(NAME).disable()
    for key in connection.keys("rq:ext:schedule:scheduled*"):
        assert 89 * DAY < connection.ttl(key) <= 90 * DAY
        connection.expire(key, DAY)
    scheduler.tick(NOON + DAY)
    assert all(connection.ttl(key) > 89 * DAY for key in connection.keys("rq:ext:schedule:scheduled*"))


def test_an_idle_scheduler_asks_redis_for_nothing(scheduled: Scheduled, connection: Redis) -> None:
    scheduled(every=HOUR)
    scheduler = Scheduler()
    scheduler.tick()
    before = connection.info("stats")["total_commands_processed"]
    for _ in range(100):
        scheduler.tick()
    assert connection.info("stats")["total_commands_processed"] - before == 1, "our own INFO"
