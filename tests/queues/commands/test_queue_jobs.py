import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from redis import Redis

from queues import add_job, get_job
from queues.jobs.job import Job
from queues.testing import run_jobs
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE, fail, give_up, greet, tell


def queue_jobs(*arguments: str) -> str:
    out = StringIO()
    call_command("queue_jobs", *arguments, stdout=out)
    return out.getvalue()


def rows(*arguments: str) -> list[list[str]]:
    return [line.split() for line in queue_jobs(QUEUE, *arguments).splitlines()[1:]]


@pytest.fixture
def jobs() -> dict[str, Job]:
    """One job in each state but active."""
    found = {"completed": greet.enqueue(name="Ann"), "failed": give_up.enqueue(name="Bob")}
    run_jobs(QUEUE)
    return found | {
        "waiting": add_job(QUEUE, "greet", {"name": "Cleo"}, priority=3),
        "delayed": greet.using(delay=600).enqueue(name="Dan"),
    }


def test_all_states_stand_in_a_table_what_matters_most_first(jobs: dict[str, Job]) -> None:
    header, *lines = queue_jobs(QUEUE).splitlines()
    assert header.split() == ["id", "name", "state", "owner", "priority", "attempts", "age"]
    assert [line.split()[0] for line in lines] == [jobs[state].id for state in ("waiting", "delayed", "failed", "completed")]
    assert [line.split()[1:6] for line in lines] == [
        ["greet", "waiting", "-", "3", "0/3"],
        ["greet", "delayed", "-", "0", "0/3"],
        ["give-up", "failed", "-", "0", "1/3"],
        ["greet", "completed", "-", "0", "1/3"],
    ]
    assert lines[1].endswith("due in 10m")
    assert lines[2].endswith("NonRetryable: it will never work")


@pytest.mark.parametrize(
    ("arguments", "states"),
    [
        (("--state", "failed"), ["failed"]),
        (("--name", "greet"), ["waiting", "delayed", "completed"]),
        (("--error-class", "NonRetryable"), ["failed"]),
        (("--text", "Cleo"), ["waiting"]),
        (("--text", "never work"), ["failed"]),
        (("--name", "greet", "--state", "delayed"), ["delayed"]),
        (("--limit", "2"), ["waiting", "delayed"]),
        (("--limit", "0"), ["waiting", "delayed", "failed", "completed"]),
    ],
)
def test_filters_and_the_limit(jobs: dict[str, Job], arguments: tuple[str, ...], states: list[str]) -> None:
    assert [row[2] for row in rows(*arguments)] == states


def test_the_jobs_of_one_owner(connection: Redis, jobs: dict[str, Job]) -> None:
    connection.hset(f"rq:job:{jobs['waiting'].id}", "owner", "7")
    assert [row[2:4] for row in rows("--owner", "7")] == [["waiting", "7"]]


def test_json_holds_the_same_and_when_delayed_jobs_are_due(jobs: dict[str, Job]) -> None:
    (delayed,) = json.loads(queue_jobs(QUEUE, "--state", "delayed", "--json"))
    assert (delayed["id"], delayed["data"]) == (jobs["delayed"].id, {"name": "Dan", "seconds": 0.0})
    assert delayed["due_at"] > delayed["created_at"]


def test_an_empty_answer_says_so(jobs: dict[str, Job]) -> None:
    assert queue_jobs("embeddings") == "embeddings is empty.\n"
    assert queue_jobs(QUEUE, "--name", "nope") == "No job fits.\n"
    assert json.loads(queue_jobs("embeddings", "--json")) == []


def test_one_job_whole_a_failed_one(jobs: dict[str, Job]) -> None:
    text = queue_jobs("--id", jobs["failed"].id)
    for part in ("name      give-up\n", "attempts  1 of 3\n", "error     NonRetryable: it will never work\n", '"name": "Bob"'):
        assert part in text
    assert "run that failed at " in text and "  Traceback (most recent call last):\n" in text


def test_one_job_whole_with_progress_log_and_result() -> None:
    job = tell.enqueue(steps=25)
    run_jobs(QUEUE)
    text = queue_jobs("--id", job.id)
    assert "progress  100%\n" in text
    assert "log (its last 20 lines)\n  step 5\n" in text and "  step 24\n" in text and "step 4\n" not in text
    assert text.endswith("  25\n"), "the result"
    document = json.loads(queue_jobs("--id", job.id, "--json"))
    assert (document["progress"], len(document["log"]), document["history"][0]["result"]) == (100.0, 25, 25)


def test_a_job_that_will_be_tried_again_says_when_and_why() -> None:
    job = fail.enqueue(name="Ann")
    run_jobs(QUEUE)
    text = queue_jobs("--id", job.id)
    assert "state     delayed, its last attempt failed\n" in text and "\ndue       " in text
    assert "run that retried at " in text


def test_a_running_job_shows_its_progress(start_worker: StartWorker) -> None:
    job = tell.enqueue(steps=4, seconds=3.0)
    start_worker(QUEUE)
    wait_until(lambda: get_job(job.id).progress is not None)
    (row,) = rows("--state", "active")
    assert (row[0], row[2], row[-1]) == (job.id, "active", "25%")


def test_texts_of_jobs_cannot_steer_the_terminal(connection: Redis) -> None:
    job = tell.enqueue(steps=1)
    run_jobs(QUEUE)
    evil = "\x1b]0;owned\x07\x1b[31m red\r\n"
    connection.hset(f"rq:job:{job.id}", mapping={"error": evil, "name": evil, "owner": evil, "status": "failed"})
    connection.zrem(f"rq:finished:{QUEUE}", job.id)
    connection.zadd(f"rq:failed:{QUEUE}", {job.id: 2e9})
    connection.rpush(f"rq:ext:log:{job.id}", evil)
    for text in (queue_jobs(QUEUE), queue_jobs("--id", job.id)):
        assert "owned" in text
        assert not set(text) & set("\x1b\x07\r")
    assert len(queue_jobs(QUEUE).splitlines()) == 2


def test_a_job_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(CommandError, match="There is no job 'nope'"):
        queue_jobs("--id", "nope")


@pytest.mark.parametrize("arguments", [(), (QUEUE, "--id", "x"), ("nope",), (QUEUE, "--state", "lost"), (QUEUE, "--limit", "-1")])
def test_wrong_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        queue_jobs(*arguments)


def test_redis_away_is_one_sentence(settings) -> None:
    settings.RQ_QUEUES = {"mail": {"URL": "redis://127.0.0.1:1/0"}}
    for arguments in (("mail",), ("--id", "x")):
        with pytest.raises(CommandError, match="Redis did not answer"):
            queue_jobs(*arguments)


def test_looking_changes_nothing(jobs: dict[str, Job], connection: Redis) -> None:
    before = {key: connection.dump(key) for key in connection.keys("*")}
    queue_jobs(QUEUE)
    queue_jobs("--id", jobs["failed"].id)
    assert {key: connection.dump(key) for key in connection.keys("*")} == before
