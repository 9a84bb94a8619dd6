import signal
import time
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from queues import add_job, get_queue, get_queue_stats
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE, greet

AWAY = {"URL": "redis://user:secret@127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"}
SEVERAL_SERVERS = "tests.queues.commands.servers"


@pytest.fixture
def burst(start_worker: StartWorker) -> Callable[..., str]:
    """Runs the command until its queues are empty. Returns all that it wrote."""

    def run(*arguments: str, **environment: str) -> str:
        worker = start_worker("--burst", *arguments, **environment)
        output, _ = worker.communicate(timeout=60)
        assert worker.returncode == 0, output
        return output

    return run


def test_without_names_it_serves_every_queue_and_runs_what_every_producer_enqueues(burst: Callable[..., str]) -> None:
    greet.enqueue(name="Ann")
    add_job(QUEUE, "greet", {"name": "Bob"})
    output = burst()
    assert "Serving embeddings, email-sync, notifications on " in output
    assert "Not served" not in output
    assert get_queue_stats(QUEUE).completed == 2


def test_queues_on_other_servers_are_named_with_the_command_for_them(burst: Callable[..., str]) -> None:
    output = burst(DJANGO_SETTINGS_MODULE=SEVERAL_SERVERS)
    assert "Serving notifications, embeddings on " in output
    assert (
        "Not served, being on another Redis: email-sync, mail, reports. "
        "Start one more: manage.py rqworker email-sync mail (and one for each further Redis)"
    ) in output


def test_it_is_as_talkative_as_asked(burst: Callable[..., str]) -> None:
    silent = burst(QUEUE, "-v", "0")
    assert "Serving" not in silent
    assert "INFO" not in silent
    assert f"Serving {QUEUE} on " in burst(QUEUE, QUEUE, "-v", "2"), "once, though it was named twice"


def test_it_replaces_the_command_of_django_rq_and_stops_cleanly(start_worker: StartWorker) -> None:
    worker = start_worker(QUEUE, "--name", "the-worker")
    greet.enqueue(name="Ann")
    wait_until(lambda: get_queue_stats(QUEUE).completed == 1)
    assert [info.name for info in get_queue(QUEUE).workers()] == ["the-worker"]
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=60)
    assert (worker.returncode, get_queue(QUEUE).workers()) == (0, [])
    assert f"Serving {QUEUE}" in output


def test_named_queues_of_two_servers_are_refused(settings) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "mail": AWAY}
    with pytest.raises(CommandError, match=r"mail is on another than notifications\. Start one more: manage\.py rqworker mail"):
        call_command("rqworker", QUEUE, "mail")


def test_an_unknown_queue_is_refused_with_those_that_exist() -> None:
    with pytest.raises(CommandError, match=r"Unknown queue 'nope'.*embeddings, notifications"):
        call_command("rqworker", "nope")


def test_without_redis_it_says_so_in_one_sentence_at_once_and_without_the_password(settings) -> None:
    settings.RQ_QUEUES = {"mail": AWAY}
    start = time.monotonic()
    with pytest.raises(CommandError) as error:
        call_command("rqworker")
    assert time.monotonic() - start < 1
    assert error.value.returncode == 1
    assert str(error.value).startswith("No worker without Redis at redis://127.0.0.1:1/0: Error 111")
    assert str(error.value).endswith("refused. Start it, or correct its address or password in RQ_QUEUES.")
    assert "secret" not in str(error.value)


def test_without_queues_it_says_so(settings) -> None:
    settings.RQ_QUEUES = {}
    with pytest.raises(CommandError, match="RQ_QUEUES names no queue"):
        call_command("rqworker")


def test_a_database_that_is_away_stops_the_start_with_one_sentence(start_worker: StartWorker) -> None:
    worker = start_worker("--burst", DATABASE_URL="postgresql://theo@127.0.0.1:1/theo")
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 1
    assert "No worker without the database 'default': " in output and "Traceback" not in output


@pytest.mark.parametrize(
    ("arguments", "slots"),
    [
        (("--concurrency", "notifications=7"), {"notifications": 7, "embeddings": 3}),
        (("--concurrency", "embeddings=1", "--concurrency", "9"), {"notifications": 9, "embeddings": 1}),
    ],
)
def test_concurrency_is_told_on_the_command_line(start_worker: StartWorker, arguments: tuple[str, ...], slots: dict[str, int]) -> None:
    start_worker(QUEUE, "embeddings", *arguments)
    wait_until(lambda: {name: get_queue_stats(name).concurrency for name in slots} == slots)


def test_so_many_jobs_run_at_a_time(start_worker: StartWorker) -> None:
    for number in range(6):
        greet.enqueue(name=str(number), seconds=5)
    start_worker(QUEUE, "--concurrency", "2")
    wait_until(lambda: get_queue_stats(QUEUE).active == 2)
    time.sleep(0.5)
    assert (get_queue_stats(QUEUE).active, get_queue_stats(QUEUE).waiting) == (2, 4)


@pytest.mark.parametrize("text", ["0", "-1", "many", "notifications=", "notifications=0", "=3", "notifications=1.5"])
def test_a_concurrency_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="neither a number of at least 1 nor QUEUE=NUMBER"):
        call_command("rqworker", QUEUE, f"--concurrency={text}")


def test_a_concurrency_of_a_queue_that_is_not_served_is_refused() -> None:
    with pytest.raises(CommandError, match="--concurrency names embeddings, but this worker serves notifications"):
        call_command("rqworker", QUEUE, "--concurrency", "embeddings=3")
