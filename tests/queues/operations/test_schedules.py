"""Schedules as people see and steer them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from queues import UnknownSchedule, get_queue, get_schedule, get_schedules, job, schedule
from queues.jobs.registry import registry
from queues.worker.scheduler import Scheduler
from tests.queues.scheduling import NAME, redis_now, run_all, waiting
from tests.testapp.jobs import QUEUE

Scheduled = Callable[..., str]
HOUR = 3600
DAY = 24 * HOUR


def test_all_schedules_are_listed_by_name(scheduled: Scheduled) -> None:
    scheduled(every=HOUR)
    names = [info.name for info in get_schedules()]
    assert names == sorted(names)
    assert {"clean-queues", "sweep-embeddings", NAME} <= set(names)


def test_a_schedule_says_what_it_is_when_it_comes_and_when_it_came(scheduled: Scheduled, connection: Redis) -> None:
    scheduled(cron="30 * * * *", timezone="Europe/Budapest")
    before = datetime.fromtimestamp(redis_now(connection), UTC)
    info = get_schedule(NAME)
    assert (info.name, info.job, info.queue, info.words) == (NAME, NAME, QUEUE, "cron 30 * * * * (Europe/Budapest)")
    now = datetime.fromtimestamp(redis_now(connection), UTC)
    assert before < info.next_at <= now + timedelta(hours=1)
    assert (info.next_at.minute, info.last_at, info.last_job_id, info.is_disabled) == (30, None, "", False)
    added = info.run_now()
    after = get_schedule(NAME)
    assert abs(after.last_at - now) < timedelta(seconds=5)
    assert after.last_job_id == added.id


def test_an_unknown_schedule_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownSchedule, match=r"Unknown schedule 'nope': there are .*clean-queues"):
        get_schedule("nope")


def test_several_schedules_of_one_job_each_have_their_runs() -> None:
    @schedule(every=HOUR, name="for-ann", data={"note": "Ann"})
    @schedule(every=HOUR, name="for-bob", data={"note": "Bob"})
    @job(name=NAME, queue=QUEUE)
    def scheduled(*, note: str) -> None: ...

    try:
        Scheduler().tick()
        notes = [each.data["note"] for each in get_queue(QUEUE).jobs("waiting") if each.name == NAME]
        assert sorted(notes) == ["Ann", "Bob"]
        get_schedule("for-ann").disable()
        assert [get_schedule(name).is_disabled for name in ("for-ann", "for-bob")] == [True, False]
    finally:
        registry.unregister(NAME)


def test_run_now_adds_a_run_and_leaves_the_slots_alone(scheduled: Scheduled, connection: Redis) -> None:
    scheduled(every=HOUR)
    added = get_schedule(NAME).run_now()
    assert [each.id for each in get_queue(QUEUE).jobs("waiting")] == [added.id]
    run_all()
    slot = redis_now(connection) // HOUR * HOUR
    Scheduler().tick(slot)
    assert waiting() == 1
    by_slot, by_hand = get_schedule(NAME).past_runs()
    assert (by_hand.job_id, by_hand.is_by_hand, by_hand.slot, by_hand.is_skipped) == (added.id, True, None, False)
    assert (by_slot.is_by_hand, by_slot.slot.timestamp()) == (False, slot)


def test_run_now_while_a_run_waits_is_that_run(scheduled: Scheduled) -> None:
    scheduled(every=HOUR)
    info = get_schedule(NAME)
    assert info.run_now().id == info.run_now().id
    assert waiting() == 1


def test_run_now_inside_of_a_transaction_is_at_once(scheduled: Scheduled, db: None) -> None:
    scheduled(every=HOUR)
    get_schedule(NAME).run_now()
    assert waiting() == 1


def test_a_disabled_schedule_adds_nothing_but_by_hand(scheduled: Scheduled) -> None:
    scheduled(every=HOUR)
    get_schedule(NAME).disable()
    Scheduler().tick()
    assert (waiting(), get_schedule(NAME).is_disabled, get_schedule(NAME).next_at) == (0, True, None)
    get_schedule(NAME).run_now()
    assert (waiting(), get_schedule(NAME).is_disabled) == (1, True)


def test_enabled_again_it_goes_on_with_its_next_slot(scheduled: Scheduled, connection: Redis) -> None:
    scheduled(every=DAY)
    now = redis_now(connection)
    scheduler = Scheduler()
    get_schedule(NAME).disable()
    scheduler.tick(now)
    get_schedule(NAME).enable()
    scheduler.tick(now + 1)
    Scheduler().tick(now + 1)
    assert waiting() == 0, "what it missed is not made up for"
    scheduler.tick(now + DAY)
    assert waiting() == 1


def test_enabling_what_is_enabled_loses_no_slot(scheduled: Scheduled) -> None:
    scheduled(every=HOUR)
    get_schedule(NAME).enable()
    Scheduler().tick()
    assert waiting() == 1


def test_the_last_fifty_runs_are_kept(scheduled: Scheduled, connection: Redis) -> None:
    scheduled(every=HOUR)
    begin = redis_now(connection) // HOUR * HOUR
    scheduler = Scheduler()
    for slot in range(55):
        scheduler.tick(begin + slot * HOUR)
        run_all()
    runs = get_schedule(NAME).past_runs()
    assert [run.slot.timestamp() for run in runs] == [begin + slot * HOUR for slot in range(54, 4, -1)]
    assert get_schedule(NAME).past_runs(2) == runs[:2]
    assert get_schedule(NAME).past_runs(0) == []


def test_rubbish_in_its_keys_shows_as_nothing(scheduled: Scheduled, connection: Redis) -> None:
    scheduled(every=HOUR)
    connection.rpush("rq:ext:schedule:scheduled:runs", b"\xff\xfe", "", "slot x y z 1", "slot 1 1e99 id 1", "waiting - 5 id five")
    connection.hset("rq:ext:schedule:scheduled", mapping={"last_at": "soon", "slot": "x", "enabled_at": "", "last_job": b"\xff"})
    info = get_schedule(NAME)
    assert (info.past_runs(), info.last_at) == ([], None)
    Scheduler().tick()
    assert waiting() == 1


def test_a_run_is_announced_as_added() -> None:
    from queues import signals

    heard: list[str] = []

    def note(job, **kwargs: object) -> None:
        heard.append(job.id)

    signals.added.connect(note)
    try:
        first = get_schedule("clean-queues").run_now()
        again = get_schedule("clean-queues").run_now()
    finally:
        signals.added.disconnect(note)
    assert heard == [first.id] == [again.id]
