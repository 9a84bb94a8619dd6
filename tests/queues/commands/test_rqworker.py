import logging
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from queues import add_job, get_queue, get_queue_stats
from tests.queues.conftest import wait_until
from tests.testapp.jobs import QUEUE, greet

StartWorker = Callable[..., subprocess.Popen[str]]
AWAY = {"URL": "redis://user:secret@127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"}


@pytest.fixture(autouse=True)
def unchanged_process() -> Iterator[None]:
    """The command sets log levels and signal handlers for the life of its process; these tests outlive it."""
    loggers = [logging.getLogger(name) for name in ("queues", "rq.worker")]
    levels = [logger.level for logger in loggers]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def rqworker(*arguments: str, **options: object) -> tuple[str, str]:
    """Runs the command in this process until its queues are empty. Returns what it told the user, and what it warned of."""
    out, err = StringIO(), StringIO()
    call_command("rqworker", *arguments, "--burst", stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_without_names_it_serves_every_queue_of_the_first_ones_redis() -> None:
    out, err = rqworker()
    assert out.startswith("Serving embeddings, email-sync, notifications on ")
    assert err == ""


def test_it_runs_what_every_producer_enqueues() -> None:
    greet.enqueue(name="Ann")
    add_job(QUEUE, "greet", {"name": "Bob"})
    rqworker(QUEUE)
    assert get_queue_stats(QUEUE).completed == 2


def test_queues_on_another_redis_are_named_with_the_command_for_them(settings) -> None:
    settings.RQ_QUEUES = {QUEUE: settings.RQ_QUEUES[QUEUE], "mail": AWAY, "reports": AWAY}
    out, err = rqworker()
    assert out.startswith(f"Serving {QUEUE} on ")
    assert "Not served, being on another Redis: mail, reports. Start one more: manage.py rqworker mail reports" in err


def test_each_further_redis_needs_a_worker_of_its_own(settings) -> None:
    settings.RQ_QUEUES = {QUEUE: settings.RQ_QUEUES[QUEUE], "mail": AWAY, "reports": {**AWAY, "URL": "redis://127.0.0.1:2/0"}}
    _, err = rqworker()
    assert "manage.py rqworker mail (and one for each further Redis)" in err


def test_named_queues_of_two_servers_are_refused(settings) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "mail": AWAY}
    with pytest.raises(CommandError, match=r"mail is on another than notifications. Start one more: manage.py rqworker mail"):
        rqworker(QUEUE, "mail")


def test_an_unknown_queue_is_refused_with_those_that_exist() -> None:
    with pytest.raises(CommandError, match=r"Unknown queue 'nope'.*embeddings, notifications"):
        rqworker("nope")


def test_a_queue_named_twice_is_served_once() -> None:
    assert rqworker(QUEUE, QUEUE)[0].startswith(f"Serving {QUEUE} on ")


def test_without_redis_it_says_so_in_one_sentence_at_once_and_without_the_password(settings) -> None:
    settings.RQ_QUEUES = {"mail": AWAY}
    start = time.monotonic()
    with pytest.raises(CommandError) as error:
        rqworker()
    assert time.monotonic() - start < 1
    assert error.value.returncode == 1
    assert str(error.value).startswith("No worker without Redis at redis://127.0.0.1:1/0: Redis did not answer")
    assert "secret" not in str(error.value)


def test_without_queues_it_says_so(settings) -> None:
    settings.RQ_QUEUES = {}
    with pytest.raises(CommandError, match="RQ_QUEUES names no queue"):
        rqworker()


@pytest.mark.parametrize(("verbosity", "level"), [(0, logging.WARNING), (2, logging.DEBUG)])
def test_verbosity_sets_the_level_of_our_log(verbosity: int, level: int) -> None:
    out, _ = rqworker(QUEUE, verbosity=verbosity)
    assert logging.getLogger("queues").level == level
    assert (out == "") is (verbosity == 0)


def test_it_replaces_the_command_of_django_rq_and_stops_cleanly(start_worker: StartWorker) -> None:
    worker = start_worker(QUEUE, "--name", "the-worker")
    wait_until(lambda: [info.name for info in get_queue(QUEUE).workers()] == ["the-worker"])
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=20)
    assert (worker.returncode, get_queue(QUEUE).workers()) == (0, [])
    assert f"Serving {QUEUE}" in output
