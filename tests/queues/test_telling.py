"""Progress and logs: told by a running job, readable at once."""

import pytest
from redis import Redis

from queues import QueuesError, current_job, get_job, get_jobs, log, report_progress
from queues.testing import run_jobs
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE, greet, tell


def test_progress_and_log_are_readable_while_the_job_runs(start_worker: StartWorker) -> None:
    job = tell.enqueue(steps=100, seconds=0.1)
    start_worker(QUEUE)
    wait_until(lambda: (get_job(job.id).progress or 0) >= 2)
    assert get_job(job.id).state == "active"
    assert job.logs()[:2] == ["step 0", "step 1"]


def test_a_finished_job_keeps_its_progress_and_its_last_thousand_lines(connection: Redis) -> None:
    job = tell.enqueue(steps=1100)
    run_jobs(QUEUE)
    assert get_job(job.id).progress == 100
    lines = job.logs()
    assert (len(lines), lines[0], lines[-1]) == (1000, "step 100", "step 1099")
    assert job.logs(-2) == ["step 1098", "step 1099"]
    assert job.remove()
    assert connection.keys("rq:*log*") == []


def test_the_current_job_is_known_inside_of_it_alone(traces) -> None:
    job = tell.enqueue(steps=0)
    run_jobs(QUEUE)
    assert traces() == [f"told {job.id}"]
    assert current_job() is None
    with pytest.raises(QueuesError, match="No job runs here"):
        report_progress(5)
    with pytest.raises(QueuesError, match="No job runs here"):
        log("lost")


def test_each_item_of_a_batch_tells_for_itself() -> None:
    from queues import add_jobs

    jobs = add_jobs(QUEUE, [("tell-all", {"name": name}) for name in "ab"])
    run_jobs(QUEUE)
    assert [get_job(job.id).progress for job in jobs] == [{"step": 1, "of": "a"}, {"step": 1, "of": "b"}]
    assert [job.logs() for job in jobs] == [["greeting a"], ["greeting b"]]


def test_a_job_deleted_meanwhile_gets_no_progress(connection: Redis) -> None:
    job = greet.enqueue(name="Ann")
    connection.delete(f"rq:job:{job.id}")
    job.report_progress(50)
    job.log("a line")
    assert connection.keys(f"*{job.id}*") == []


def test_progress_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="progress must be JSON"):
        greet.enqueue(name="Ann").report_progress(object())


def test_a_log_line_may_be_any_text() -> None:
    job = greet.enqueue(name="Ann")
    job.log("a lone \udc80 surrogate\nand a second line")
    assert job.logs() == ["a lone ? surrogate\nand a second line"]


def test_a_result_and_every_attempt_are_read_back() -> None:
    from queues import add_job

    greet.enqueue(name="Ann")
    add_job(QUEUE, "fail", {"name": "Bob"}, attempts=2, backoff=0)
    while run_jobs(QUEUE):
        pass
    (done,) = get_jobs(QUEUE, "completed")
    assert [(attempt.ending, attempt.result) for attempt in done.attempts_history()] == [("completed", "hello Ann")]
    (dead,) = get_jobs(QUEUE, "failed")
    history = dead.attempts_history()
    assert [attempt.ending for attempt in history] == ["failed", "retried"]
    assert all("no luck with Bob" in attempt.traceback and attempt.started_at and attempt.ended_at for attempt in history)


def test_what_is_told_has_bounds() -> None:
    job = greet.enqueue(name="Ann")
    job.log("x" * 20_000)
    assert [len(line) for line in job.logs()] == [10_000]
    with pytest.raises(ValueError, match="at most 65536 bytes"):
        job.report_progress("x" * 70_000)
