import json
from io import StringIO

import pytest
import redis
from django.core.management import CommandError, call_command

from queues import add_jobs
from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE

AWAY = {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}


@pytest.fixture
def dead() -> None:
    add_jobs(QUEUE, [("fail", {"name": "Ann"})] * 12, attempts=1)
    add_jobs(QUEUE, [("give-up", {"name": "Bob"})])
    run_jobs(QUEUE)


def queue_dead_letters(*arguments: str) -> str:
    out = StringIO()
    call_command("queue_dead_letters", *arguments, stdout=out)
    return out.getvalue()


def test_the_groups_stand_in_an_aligned_table(dead: None) -> None:
    header, *rows = queue_dead_letters().splitlines()
    assert header.split() == ["error", "job", "queues", "kept", "1h", "24h", "7d", "first", "last"]
    assert [row.split()[:7] for row in rows] == [
        ["NonRetryable", "give-up", QUEUE, "1", "1", "1", "1"],
        ["ValueError", "fail", QUEUE, "12", "12", "12", "12"],
    ]
    assert len({len(row) for row in rows}) == 1


def test_json_holds_the_same(dead: None) -> None:
    (group,) = json.loads(queue_dead_letters("--json", "--error-class", "ValueError"))
    assert (group["name"], group["queues"], group["kept"], group["last_week"]) == ("fail", [QUEUE], 12, 12)
    assert group["first_at"] <= group["last_at"]


def test_only_what_is_asked_for_is_shown(dead: None) -> None:
    assert queue_dead_letters("embeddings") == "No dead letters.\n"
    assert "ValueError" not in queue_dead_letters("--name", "give-up")


def test_what_could_steer_a_terminal_is_not_printed(connection: redis.Redis) -> None:
    connection.hset("rq:job:planted", mapping={"status": "failed", "origin": QUEUE, "name": "\x1b[2J", "error_class": "a\nb"})
    connection.zadd(f"rq:failed:{QUEUE}", {"planted": 1})
    text = queue_dead_letters()
    assert "\x1b" not in text
    assert len(text.splitlines()) == 2


def test_an_unknown_queue_is_an_error_and_a_silent_one_is_told_beside_the_others(dead: None, settings) -> None:
    with pytest.raises(CommandError, match="Unknown queue 'nowhere'"):
        queue_dead_letters("nowhere")
    settings.RQ_QUEUES = {"away": AWAY, **settings.RQ_QUEUES}
    out = StringIO()
    with pytest.raises(CommandError, match="away is missing"):
        call_command("queue_dead_letters", stdout=out)
    assert "ValueError" in out.getvalue()
    settings.RQ_QUEUES = {"away": AWAY}
    with pytest.raises(CommandError, match="Redis did not answer"):
        queue_dead_letters()


def test_a_queue_that_cannot_be_read_is_never_told_to_have_no_dead_letters(connection: redis.Redis) -> None:
    connection.set(f"rq:failed:{QUEUE}", "rubbish")
    out = StringIO()
    with pytest.raises(CommandError, match=f"{QUEUE} is missing: .*BROKEN rq:failed:{QUEUE} is a string"):
        call_command("queue_dead_letters", stdout=out)
    assert out.getvalue() == "No dead letters in what could be read.\n"
    assert queue_dead_letters("embeddings") == "No dead letters.\n"
