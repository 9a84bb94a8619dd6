"""Which waiting jobs share a call of a batch handler."""

from collections.abc import Iterator

import pytest
from redis import Redis

from queues import Batch, add_jobs, get_queue, job
from queues.jobs.registry import registry
from queues.worker.claimer import Claimer, Room
from tests.testapp.jobs import QUEUE, Greeting


class Visit(Greeting):
    user_id: int = 1


@pytest.fixture(autouse=True)
def visits() -> Iterator[None]:
    """A job with an owner, ten of which share a call."""

    @job(name="visit-all", queue=QUEUE, batch=10, owner="user_id")
    def visit_all(batch: Batch[Visit]) -> None: ...

    yield
    registry.unregister("visit-all")


def add(*jobs: str, **options: int) -> None:
    """Each is added by itself: `name of the job, payload's name`."""
    for text in jobs:
        job_name, name = text.split()
        add_jobs(QUEUE, [(job_name, {"name": name})], **options)  # type: ignore[arg-type]


def alternately(first: str, second: str, count: int) -> list[str]:
    return [f"{name} {number}" for number in range(count) for name in (first, second)]


def claimed(connection: Redis, units: int = 1) -> list[tuple[str, int]]:
    """The calls that one claim makes of what waits, each with the number of its jobs."""
    found, _ = Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=units)])
    return [(unit.name, len(unit.claims)) for unit in found]


def waiting() -> list[str]:
    return [f"{job.name} {job.data['name']}" for job in get_queue(QUEUE).jobs("waiting")]


def test_jobs_of_another_name_between_them_do_not_part_those_that_fit_into_one_call(connection: Redis) -> None:
    for options in ({}, {"priority": 5}):
        add(*alternately("greet-all", "greet", 12), **options)
        assert claimed(connection) == [("greet-all", 10)]
        assert waiting() == [*(f"greet {number}" for number in range(10)), "greet-all 10", "greet 10", "greet-all 11", "greet 11"]
        assert claimed(connection, 20) == [*[("greet", 1)] * 10, ("greet-all", 2), *[("greet", 1)] * 2]


def test_jobs_with_an_owner_fill_their_call_across_those_without_who_keep_their_turn(connection: Redis) -> None:
    add(*alternately("visit-all", "greet", 25))
    assert sorted(claimed(connection)[0] for _ in range(6)) == [("greet", 1)] * 3 + [("visit-all", 5)] + [("visit-all", 10)] * 2
    assert waiting() == [f"greet {number}" for number in range(3, 25)]


def test_jobs_with_an_owner_keep_their_turn_between_calls_of_those_without(connection: Redis) -> None:
    add(*[f"greet-all {number}" for number in range(40)])
    add_jobs(QUEUE, [("mail", {"user_id": 1, "subject": str(number)}) for number in range(3)])
    names = [claimed(connection)[0] for _ in range(7)]
    assert sorted(names) == [("greet-all", 10)] * 4 + [("mail", 1)] * 3
    assert all(name == ("mail", 1) for name in names[1:6:2]), "in turn"


def test_what_stalled_shares_no_call_wherever_it_stands(connection: Redis) -> None:
    add("greet-all a", "greet b", "greet-all c")
    connection.hset(f"rq:job:{get_queue(QUEUE).jobs('waiting')[2].id}", "stalled", "1")
    assert claimed(connection) == [("greet-all", 1)]
    assert claimed(connection, 2) == [("greet", 1), ("greet-all", 1)]


def test_a_claim_looks_only_so_far_for_what_fits(connection: Redis) -> None:
    add_jobs(QUEUE, [("greet-all", {"name": "first"}), *[("greet", {"name": "between"})] * 150, ("greet-all", {"name": "far"})])
    assert claimed(connection) == [("greet-all", 1)]
    assert claimed(connection) == [("greet", 1)]
