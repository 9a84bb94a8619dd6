"""The processes of isolated jobs, spawned from the test itself."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from queues import get_queue, job
from queues.exceptions import InvalidJob, JobProcessDied, NonRetryable, RetryLater
from queues.store import payloads
from queues.testing import run_jobs
from queues.worker.claims import Claim, Unit
from queues.worker.isolation import RUNS_A_CHILD, Children, find_isolated
from queues.worker.outcomes import Kind, Outcome
from tests.processes import wait_until
from tests.testapp.jobs import QUEUE, isolated

Traces = Callable[[], list[str]]


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    """Of all tests here, as starting one takes a second: whichever dies is replaced."""
    children = Children()
    yield children
    children.close()


def call(*data: dict[str, object], name: str = "isolated") -> Unit:
    fields = [{"name": name.encode(), "attempts": b"3", "data": payloads.encode(name, payload)} for payload in data]
    claims = [Claim(queue=QUEUE, id=str(number), execution="e", fields=claimed) for number, claimed in enumerate(fields)]
    return Unit(queue=QUEUE, name=name, claims=claims, timeout_seconds=20.0)


def run(children: Children, unit: Unit) -> list[Outcome]:
    definition = find_isolated(unit)
    assert definition is not None
    return children.run(unit, definition)


def run_one(children: Children, **payload: object) -> Outcome:
    (outcome,) = run(children, call(payload))
    return outcome


def pid(children: Children) -> int:
    return int(run_one(children).result["pid"])


@pytest.mark.parametrize(
    ("does", "end"),
    [
        ("exit", "the job's process died: exit code 3"),
        ("crash", "the job's process died: exit code -11 (SIGSEGV)"),
        ("fork and exit", "the job's process died: exit code 3"),
        ("scribble", "the job's process answered what is no outcome: the job wrote to its worker's socket?"),
    ],
)
def test_a_process_that_dies_is_a_failed_attempt_that_says_how(children: Children, does: str, end: str) -> None:
    outcome = run_one(children, does=does)
    assert (type(outcome.error), str(outcome.error)) == (JobProcessDied, end)
    assert (outcome.kind, outcome.attempts_made) == (Kind.RETRY, 1)
    assert run_one(children).kind is Kind.COMPLETED, "the next job has another process"


@pytest.mark.parametrize(("does", "error"), [("raise", "Unpicklable"), ("leave", "SystemExit")])
def test_any_exception_comes_back_by_name_and_text(children: Children, does: str, error: str) -> None:
    outcome = run_one(children, does=does)
    assert (type(outcome.error).__name__, outcome.kind) == (error, Kind.RETRY)
    assert error in outcome.traceback


def test_our_own_exceptions_come_back_as_themselves(children: Children) -> None:
    later, final, invalid = (run_one(children, **payload) for payload in ({"does": "later"}, {"does": "give up"}, {"nonsense": 1}))
    assert isinstance(later.error, RetryLater)
    assert (later.kind, later.delay_seconds, str(later.error)) == (Kind.LATER, 0.2, "the other side is busy")
    assert isinstance(final.error, NonRetryable)
    assert (final.kind, invalid.kind, type(invalid.error).__name__) == (Kind.DEAD, Kind.DEAD, "InvalidPayload")


def test_a_result_that_is_no_json_ends_the_job(children: Children) -> None:
    outcome = run_one(children, does="no json")
    assert (outcome.kind, str(outcome.error)[:28]) == (Kind.DEAD, "The job's result is not JSON")


def test_a_process_is_used_again_and_replaced_after_many_runs(children: Children) -> None:
    run_one(children, does="exit")
    used = [pid(children) for _ in range(RUNS_A_CHILD + 1)]
    assert len(set(used[:-1])) == 1
    assert used[-1] != used[0]


def test_a_process_that_died_between_jobs_costs_no_attempt(children: Children) -> None:
    first = pid(children)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT | os.WNOHANG))
    outcome = run_one(children)
    assert (outcome.kind, outcome.result["pid"] != first) == (Kind.COMPLETED, True)


def test_a_process_that_cannot_start_charges_no_attempt(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    run_one(children, does="exit")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.no_such_settings")
    outcome = run_one(children)
    assert (outcome.kind, str(outcome.error)) == (Kind.LATER, "the job's process did not start: exit code 1")


def test_a_running_call_can_be_killed_once_with_a_reason(children: Children, traces: Traces) -> None:
    unit, outcomes = call({"seconds": 100}), []
    thread = threading.Thread(target=lambda: outcomes.extend(run(children, unit)))
    thread.start()
    wait_until(traces)
    assert unit.kill is not None
    assert unit.kill(NonRetryable("nobody wants it"))
    assert not unit.kill(NonRetryable("twice"))
    thread.join(5)
    assert [(outcome.kind, str(outcome.error)) for outcome in outcomes] == [(Kind.DEAD, "nobody wants it")]


def test_a_kill_that_comes_too_late_does_not_hit_the_next_call(children: Children) -> None:
    unit = call({})
    (outcome,) = run(children, unit)
    assert unit.kill is not None
    assert not unit.kill(NonRetryable("too late"))
    assert pid(children) == outcome.result["pid"]


def test_a_kill_while_the_process_starts_counts(children: Children, traces: Traces) -> None:
    run_one(children, does="exit")
    unit, outcomes = call({}), []
    thread = threading.Thread(target=lambda: outcomes.extend(run(children, unit)))
    thread.start()
    wait_until(lambda: unit.kill)
    assert unit.kill is not None
    assert unit.kill(NonRetryable("nobody wants it"))
    thread.join(5)
    assert [str(outcome.error) for outcome in outcomes] == ["nobody wants it"]
    assert not [trace for trace in traces() if trace.startswith("return")]


def test_closing_kills_what_runs(traces: Traces) -> None:
    children, outcomes = Children(), []
    thread = threading.Thread(target=lambda: outcomes.append(run_one(children, seconds=100)))
    thread.start()
    wait_until(traces)
    started = time.monotonic()
    children.close()
    thread.join(5)
    assert [type(outcome.error) for outcome in outcomes] == [JobProcessDied]
    assert time.monotonic() - started < 5
    assert run_one(children).kind is Kind.LATER, "none is started any more"


def test_a_batch_is_isolated_whole_and_its_items_end_each_in_its_way(children: Children, traces: Traces) -> None:
    unit = call({"name": "Ann"}, {"name": 7}, {"name": "Bob", "fails": 1}, name="isolated-batch")
    outcomes = run(children, unit)
    assert [outcome.kind for outcome in outcomes] == [Kind.COMPLETED, Kind.DEAD, Kind.RETRY]
    assert [outcome.claim for outcome in outcomes] == unit.claims
    assert str(outcomes[2].error) == "Bob failed at 0"
    assert [trace.rpartition(" ")[0] for trace in traces()] == ["batch 2"]


def test_run_jobs_runs_isolated_jobs_here(traces: Traces) -> None:
    isolated.enqueue()
    assert run_jobs(QUEUE) == 1
    assert traces()[0] == f"return {os.getpid()}"
    assert get_queue(QUEUE).jobs("completed")


def test_another_isolation_is_refused_when_registered() -> None:
    with pytest.raises(InvalidJob, match="isolation is one of thread, process, not 'container'"):
        job(name="nope", queue=QUEUE, isolation="container")  # type: ignore[arg-type]
