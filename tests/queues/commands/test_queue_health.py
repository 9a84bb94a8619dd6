import json
import time

import pytest
from django.core.management import CommandError, call_command
from redis import Redis

from queues import add_job, pause_queue
from tests.queues.commands.exits import run_to_exit
from tests.testapp.jobs import QUEUE, greet

AWAY = {"URL": "redis://user:secret@127.0.0.1:1/0", "SERIALIZER": "json"}


def queue_health(*arguments: str) -> tuple[str, int]:
    """What it wrote, and its exit code."""
    return run_to_exit("queue_health", *arguments)


def test_all_is_well_with_exit_code_0() -> None:
    assert queue_health() == ("embeddings: healthy\nemail-sync: healthy\nnotifications: healthy\n", 0)


def test_a_warning_is_exit_code_1() -> None:
    pause_queue(QUEUE)
    assert queue_health(QUEUE) == (f"{QUEUE}: warning: It is paused: no job starts until it is resumed.\n", 1)


def test_what_is_critical_is_exit_code_2_and_each_finding_a_line(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    connection.zadd(f"rq:failed:{QUEUE}", {str(number): float(number) for number in range(11)})
    assert queue_health(QUEUE, "embeddings") == (
        f"{QUEUE}: critical: No worker serves the queue, 1 waiting.\n"
        f"{QUEUE}: warning: 11 failed; more than 10 is a warning.\n"
        "embeddings: healthy\n",
        2,
    )


def test_json_holds_the_specified_shape_and_the_findings() -> None:
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=60)
    text, code = queue_health(QUEUE, "--json")
    document = json.loads(text)
    assert (code, document[QUEUE]["healthy"], document[QUEUE]["level"]) == (1, True, "warning")
    assert document[QUEUE]["stats"]["delayed"] == 1
    (finding,) = document[QUEUE]["findings"]
    assert set(finding) == {"metric", "value", "threshold", "level", "sentence"}


def test_redis_away_is_critical_in_one_sentence_asked_once_and_hides_no_other_queue(settings) -> None:
    settings.RQ_QUEUES = {"one": AWAY, "two": AWAY, QUEUE: settings.RQ_QUEUES[QUEUE]}
    start = time.monotonic()
    text, code = queue_health()
    assert time.monotonic() - start < 1
    assert code == 2
    one, two, well = text.splitlines()
    assert one.startswith("one: critical: Redis did not answer: ") and two.startswith("two: critical: Redis did not answer: ")
    assert well == f"{QUEUE}: healthy"
    assert "secret" not in text
    document = json.loads(queue_health("--json")[0])
    assert document["one"] == {"level": "critical", "healthy": False, "error": one.removeprefix("one: critical: ")}


def test_a_queue_that_cannot_be_read_is_critical_and_says_nothing_of_the_others(connection: Redis) -> None:
    connection.set("rq:finished:embeddings", "rubbish")
    text, code = queue_health()
    broken, *others = text.splitlines()
    assert broken.startswith("embeddings: critical: ") and "BROKEN rq:finished:embeddings" in broken
    assert (others, code) == (["email-sync: healthy", f"{QUEUE}: healthy"], 2)


def test_an_unknown_queue_is_refused_with_those_that_exist() -> None:
    with pytest.raises(CommandError, match=r"Unknown queue 'nope'.*notifications"):
        call_command("queue_health", "nope")
