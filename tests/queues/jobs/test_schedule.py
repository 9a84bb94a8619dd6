"""Slots as functions of time, in real timezones."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from queues import InvalidPayload, InvalidSchedule, job, schedule
from queues.jobs.registry import registry
from queues.jobs.schedule import Schedule
from tests.testapp.jobs import QUEUE

BUDAPEST = "Europe/Budapest"


def at(text: str) -> float:
    """Unix seconds of a time with its offset; UTC without one."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def slots(schedule: Schedule, start: str, end: str) -> list[str]:
    """All slots after `start`, up to `end`, as local times."""
    found, moment = [], at(start)
    while (moment := schedule.next_slot(moment)) <= at(end):
        found.append(datetime.fromtimestamp(moment, schedule.zone).isoformat(timespec="minutes").removeprefix("2026-"))
    return found


def cron(text: str, timezone: str = BUDAPEST) -> Schedule:
    return Schedule(name="s", cron=text, timezone=timezone)


def test_every_is_aligned_to_the_epoch() -> None:
    minute = Schedule(name="s", every_seconds=60)
    assert (minute.latest_slot(119.9), minute.next_slot(119.9)) == (60, 120)
    assert (minute.latest_slot(120), minute.next_slot(120)) == (120, 180)


def test_a_cron_slot_begins_at_its_second_and_lasts_to_the_next() -> None:
    hourly = cron("0 * * * *", "UTC")
    noon = int(at("2026-06-01T12:00"))
    assert [hourly.latest_slot(noon + after) for after in (-0.001, 0, 0.5, 3599.9)] == [noon - 3600, noon, noon, noon]
    assert [hourly.next_slot(noon + after) for after in (-0.001, 0, 0.5, 3599.9)] == [noon, noon + 3600, noon + 3600, noon + 3600]


def test_cron_follows_its_timezone_and_without_one_djangos(settings) -> None:
    assert slots(cron("30 5 * * *"), "2026-01-10T00:00", "2026-01-11T00:00") == ["01-10T05:30+01:00"]
    assert slots(cron("30 5 * * *"), "2026-07-10T00:00", "2026-07-11T00:00") == ["07-10T05:30+02:00"]
    settings.TIME_ZONE = "Asia/Tokyo"
    assert slots(cron("30 5 * * *", ""), "2026-07-10T00:00", "2026-07-11T00:00") == ["07-11T05:30+09:00"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 2 * * *", ["03-28T02:30+01:00", "03-29T03:00+02:00", "03-30T02:30+02:00"]),
        ("30 2-3 * * *", ["03-28T02:30+01:00", "03-28T03:30+01:00", *("03-29T03:00+02:00", "03-29T03:30+02:00"), "03-30T02:30+02:00"]),
        ("15 0 29 3 *", ["03-29T00:15+01:00"]),
    ],
)
def test_a_slot_in_the_gap_of_spring_is_the_first_moment_after_it(text: str, expected: list[str]) -> None:
    assert slots(cron(text), "2026-03-28T00:00+01:00", "2026-03-30T03:00+02:00") == expected


def test_an_hourly_slot_that_the_gap_swallows_is_not_made_up_for() -> None:
    expected = ["03-29T00:05+01:00", "03-29T01:05+01:00", "03-29T03:05+02:00", "03-29T04:05+02:00"]
    assert slots(cron("5 * * * *"), "2026-03-29T00:00+01:00", "2026-03-29T05:00+02:00") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 2 * * *", ["10-24T02:30+02:00", "10-25T02:30+02:00", "10-26T02:30+01:00"]),
        ("*/30 2 25 10 *", ["10-25T02:00+02:00", "10-25T02:30+02:00"]),
    ],
)
def test_in_the_doubled_hour_of_autumn_a_slot_comes_once(text: str, expected: list[str]) -> None:
    assert slots(cron(text), "2026-10-24T00:00+02:00", "2026-10-26T03:00+01:00") == expected


def test_every_hour_means_both_hours_of_autumn() -> None:
    expected = ["10-25T01:00+02:00", "10-25T02:00+02:00", "10-25T02:00+01:00", "10-25T03:00+01:00"]
    assert slots(cron("0 * * * *"), "2026-10-25T00:00+02:00", "2026-10-25T03:00+01:00") == expected


def test_midnight_that_comes_twice_is_one_slot() -> None:
    expected = ["11-01T00:00-04:00", "11-02T00:00-05:00"]
    assert slots(cron("@daily", "America/Havana"), "2026-11-01T00:00", "2026-11-02T12:00") == expected


@pytest.mark.parametrize("text", ["*/10 * * * *", "30 2 * * *", "0 2,3 * * *", "*/20 0-4 * * *", "0 0 * * sun", "@hourly"])
@pytest.mark.parametrize("start", ["2026-03-28T12:00", "2026-10-24T12:00"])
def test_looking_all_the_time_or_only_later_finds_the_same_slots(text: str, start: str) -> None:
    """Latest and next agree around both changes: what was next becomes the latest, once and in order."""
    schedule, begin = cron(text), at(start)
    seen = [schedule.latest_slot(begin + 300 * look) for look in range(36 * 12)]
    expected, moment = [seen[0]], begin
    while (moment := schedule.next_slot(moment)) < begin + 36 * 3600:
        expected.append(int(moment))
    assert list(dict.fromkeys(seen)) == expected
    assert seen == sorted(seen)


def test_the_29th_of_february_is_found_from_both_sides() -> None:
    leap = cron("0 0 29 2 *", "UTC")
    assert (leap.latest_slot(at("2026-06-01")), leap.next_slot(at("2026-06-01"))) == (at("2024-02-29"), at("2028-02-29"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "every second"),
        (90, "every 90 seconds"),
        (300, "every 5 minutes"),
        (3600, "every hour"),
        (86400, "every day"),
        (172800, "every 2 days"),
    ],
)
def test_every_in_words(seconds: int, words: str) -> None:
    assert Schedule(name="s", every_seconds=seconds).words == words


def test_cron_in_words_names_its_timezone(settings) -> None:
    assert cron("30 5 * * mon").words == "cron 30 5 * * mon (Europe/Budapest)"
    settings.TIME_ZONE = "Asia/Tokyo"
    assert cron("@daily", "").words == "cron @daily (Asia/Tokyo)"


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({}, "either cron= or every="),
        ({"cron": "0 * * * *", "every": 60}, "not both"),
        ({"every": 60, "timezone": "UTC"}, "only with cron="),
        ({"cron": "0 * * * *", "timezone": "Europe/Atlantis"}, "timezone that does not exist"),
        ({"cron": "0 * * * *", "timezone": "../../etc/passwd"}, "timezone that does not exist"),
        ({"cron": "0 * * * *", "timezone": "Europe"}, "timezone that does not exist"),
        ({"cron": "0 0 30 2 *"}, "failed to find next date"),
        ({"cron": "hourly"}, "which is none"),
        ({"cron": "60 * * * *"}, "out of range"),
        ({"cron": "* * * *"}, "which is none"),
        ({"cron": 5}, "which is none"),
        ({"cron": "* * * * * *"}, "five fields"),
        ({"cron": "R * * * *"}, "without H or R"),
        ({"cron": "H * * * *"}, "which is none"),
        *(
            ({"every": every}, "whole seconds")
            for every in (0, -1, 0.5, True, "60", float("nan"), float("inf"), 1e12, timedelta(milliseconds=1))
        ),
    ],
)
def test_a_schedule_that_does_not_say_when_is_refused_at_once(options: dict[str, Any], cause: str) -> None:
    @job(name="scheduled", queue=QUEUE)
    def scheduled() -> None: ...

    try:
        with pytest.raises(InvalidSchedule, match=cause):
            schedule(**options)(scheduled)
        assert registry.get("scheduled").schedules == ()
    finally:
        registry.unregister("scheduled")


def test_a_payload_that_does_not_fit_is_refused_at_once() -> None:
    @job(name="scheduled", queue=QUEUE)
    def scheduled(*, name: str) -> None: ...

    try:
        for data in (None, {"name": 5}, {"nome": "Ann"}):
            with pytest.raises(InvalidPayload):
                schedule(every=60, data=data)(scheduled)
        assert schedule(every=timedelta(hours=1), data={"name": "Ann"})(scheduled).definition.schedules[0].every_seconds == 3600
    finally:
        registry.unregister("scheduled")


def test_a_second_schedule_of_one_job_needs_a_name_of_its_own() -> None:
    @schedule(every=60, name="often")
    @schedule(cron="@daily")
    @job(name="scheduled", queue=QUEUE)
    def scheduled() -> None: ...

    @job(name="other", queue=QUEUE)
    def other() -> None: ...

    try:
        assert [each.name for each in registry.get("scheduled").schedules] == ["often", "scheduled"]
        for taken, function in (("", scheduled), ("often", scheduled), ("often", other), ("scheduled", other)):
            with pytest.raises(InvalidSchedule, match=r"exists already, of the job 'scheduled'"):
                schedule(every=60, name=taken)(function)
    finally:
        registry.unregister("scheduled")
        registry.unregister("other")


def test_a_schedule_under_its_job_says_where_it_stands() -> None:
    with pytest.raises(InvalidSchedule, match="nightly is no job yet: @schedule stands above @job"):

        @job(name="nightly", queue=QUEUE)
        @schedule(cron="@daily")  # type: ignore[type-var]
        def nightly() -> None: ...
