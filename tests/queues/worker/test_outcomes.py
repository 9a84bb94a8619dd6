"""What becomes of a run, by its error."""

from collections.abc import Callable

import pytest
from redis import Redis

from queues import JobTimeout, NonRetryable, job
from queues.jobs.registry import registry
from queues.worker.claimer import Claimer, Room
from queues.worker.claims import Claim
from queues.worker.outcomes import Kind, failed
from tests.testapp.jobs import QUEUE


@pytest.fixture
def claimed(connection: Redis) -> Callable[..., Claim]:
    """The claim of a job that was registered with these options."""
    registered: list[str] = []

    def claim(**options: object) -> Claim:
        @job(name="sleeper", queue=QUEUE, **options)  # type: ignore[arg-type]
        def sleeper() -> None: ...

        registered.append("sleeper")
        sleeper.enqueue()
        (unit,), _ = Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=1)])
        return unit.claims[0]

    yield claim
    for name in registered:
        registry.unregister(name)


def test_an_overrun_waits_as_its_jobs_back_off_says(claimed: Callable[..., Claim]) -> None:
    outcome = failed(claimed(backoff=60), JobTimeout("too long"))
    assert (outcome.kind, outcome.delay_seconds) == (Kind.RETRY, 60)


def test_a_job_may_give_up_on_its_overrun(claimed: Callable[..., Claim]) -> None:
    assert failed(claimed(give_up_on=[JobTimeout]), JobTimeout("too long")).kind is Kind.DEAD


def test_an_overrun_is_retried_whatever_else_the_job_retries_on(claimed: Callable[..., Claim]) -> None:
    claim = claimed(retry_on=[ConnectionError])
    assert failed(claim, JobTimeout("too long")).kind is Kind.RETRY
    assert failed(claim, ConnectionResetError()).kind is Kind.RETRY
    assert failed(claim, ValueError()).kind is Kind.DEAD
    assert failed(claim, NonRetryable()).kind is Kind.DEAD
