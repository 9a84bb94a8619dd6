"""GET /api/admin/queues/NAME/jobs."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
import redis
from django.test import Client

from queues import add_job, add_jobs
from queues.store import keys
from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE

URL = f"/api/admin/queues/{QUEUE}/jobs"


def ask(program: Client, **query: str) -> dict[str, Any]:
    response = program.get(f"{URL}?{urlencode(query)}")
    assert response.status_code == 200, response.content
    return response.json()


def ids(program: Client, **query: str) -> list[str]:
    return [job["id"] for job in ask(program, **query)["jobs"]]


def names(program: Client, **query: str) -> list[str]:
    return [job["data"]["name"] for job in ask(program, **query)["jobs"]]


def test_pages_follow_their_cursors_and_show_each_job_once_while_others_arrive(program: Client) -> None:
    added = [job.id for job in add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(120)])]
    first = ask(program)
    assert (first["total"], len(first["jobs"]), first["previous"]) == (120, 50, None)
    add_job(QUEUE, "greet", {"name": "urgent"}, priority=-1)
    seen, page = [job["id"] for job in first["jobs"]], first
    while page["next"]:
        page = ask(program, page=page["next"])
        seen += [job["id"] for job in page["jobs"]]
    assert seen == added
    assert [job["id"] for job in ask(program, page=page["previous"])["jobs"]] == added[50:100]


def test_pages_have_numbers_too(program: Client) -> None:
    added = [job.id for job in add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(120)])]
    assert [ids(program, page=str(number)) for number in (1, 2, 3, 4)] == [added[:50], added[50:100], added[100:], []]
    second = ask(program, page="2")
    assert ids(program, page=second["next"]) == added[100:] and ids(program, page=second["previous"]) == added[:50]
    assert program.get(f"{URL}?page=2&name=greet").status_code == 400


@pytest.mark.parametrize("page", ["rubbish", "0", "-1", "1.5", "²", "~~~~"])
def test_what_is_no_page_is_not_answered_with_the_first(program: Client, page: str) -> None:
    response = program.get(URL, {"page": page})
    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/json")


def test_a_job_is_told_whole(program: Client) -> None:
    add_job(QUEUE, "give-up", {"name": "Eve"})
    run_jobs(QUEUE)
    (job,) = ask(program, state="failed")["jobs"]
    assert (job["name"], job["state"], job["error_class"], job["attempts_made"]) == ("give-up", "failed", "NonRetryable", 1)
    assert "never work" in job["error"] and job["created_at"].endswith("Z") and job["ended_at"] >= job["started_at"]


def test_jobs_are_found_by_id_text_name_owner_and_error_class(program: Client) -> None:
    payloads = [("greet", {"name": "Ann"}), ("greet", {"name": "Bob"}), ("mail", {"user_id": 7, "subject": "Ann"})]
    ann, bob, mail = (job.id for job in add_jobs(QUEUE, payloads))
    add_jobs(QUEUE, [("give-up", {"name": "Eve"}), ("fail", {"name": "Kim"})], attempts=1)
    assert ids(program, q=bob) == [bob]
    assert ids(program, q=bob, name="mail") == []
    assert ids(program, q="Ann") == [ann, mail] and ids(program, q="Ann", name="greet") == [ann]
    assert ids(program, owner="7") == [mail]
    run_jobs(QUEUE)
    assert names(program, state="failed", error_class="NonRetryable") == ["Eve"]
    assert names(program, state="failed", q="no luck with") == ["Kim"]
    assert ids(program, q=bob) == [] and ids(program, q=bob, state="completed") == [bob]


def test_secrets_are_masked_at_any_depth_and_big_numbers_are_exact(program: Client, connection: redis.Redis) -> None:
    job = add_job(QUEUE, "greet", {"name": "Ann"})
    payload = {"name": "x", "Api_Token": "geheim", "deep": [{"PASSWORD": ["geheim"]}], "id": 2**63 - 1, "exact": 9007199254740993}
    connection.hset(keys.job(job.id), "data", json.dumps(["queues.jobs.run.run", None, ["greet"], payload]))
    connection.hset(keys.job(job.id), "progress", json.dumps({"secret": "geheim", "step": 1}))
    answer = program.get(URL).content.decode()
    assert "geheim" not in answer
    assert "9223372036854775807" in answer and "9007199254740993" in answer and '"step": 1' in answer


def test_a_text_is_looked_for_in_so_many_jobs_at_a_time_and_the_answer_says_how_far_it_looked(program: Client) -> None:
    add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(10_000)])
    last = add_job(QUEUE, "greet", {"name": "needle"})
    first = ask(program, q="needle")
    assert (first["jobs"], first["looked"], first["total"]) == ([], 10_000, 10_001)
    assert ids(program, q="needle", page=first["next"]) == [last.id]


@pytest.mark.parametrize("page", ["rubbish", "~~~~", "state~-5~nan~~x", "state~999999999999~1e999~-~\x00", "name~1~0~~a" * 50])
def test_a_cursor_that_is_none_is_answered(program: Client, page: str) -> None:
    add_job(QUEUE, "greet", {"name": "Ann"})
    assert program.get(f"{URL}?{urlencode({'page': page})}").status_code in (200, 400)


@pytest.mark.parametrize("text", ["<script>", "*", "\x00", "é" * 5000, "rq:job:", "a:dependents", "' OR 1=1", "%s"])
def test_rubbish_finds_nothing_and_breaks_nothing(program: Client, connection: redis.Redis, text: str) -> None:
    connection.sadd(keys.job("a:dependents"), "x")
    add_job(QUEUE, "greet", {"name": "Ann"})
    for field in ("q", "name", "owner", "error_class"):
        assert ids(program, **{field: text}) == []


def test_planted_rubbish_is_shown_as_what_can_be_read_of_it(program: Client, connection: redis.Redis) -> None:
    connection.rpush(keys.waiting(QUEUE), "planted")
    connection.hset(
        keys.job("planted"), mapping={"status": "queued", "origin": QUEUE, "data": b"\x80\x04pickle", "priority": "x", "error": b"\xff"}
    )
    (job,) = ask(program)["jobs"]
    assert (job["id"], job["data"], job["priority"]) == ("planted", {}, 0)
