from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from queues import QueueStats, get_job, get_queue_stats
from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE, greet


@pytest.fixture(autouse=True)
def filled() -> None:
    """One completed, two waiting and one delayed job."""
    greet.enqueue(name="Ann")
    run_jobs(QUEUE)
    greet.enqueue(name="Bob")
    greet.enqueue(name="Cleo")
    greet.using(delay=60).enqueue(name="Dan")


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def answers(monkeypatch: pytest.MonkeyPatch, text: str | None) -> list[str]:
    """Answers the question; None is the end of the input. Returns what was asked."""
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        if text is None:
            raise EOFError
        return text

    monkeypatch.setattr("builtins.input", answer)
    return asked


def test_only_what_waits_is_deleted() -> None:
    assert run("queue_drain", QUEUE, "--yes") == f"{QUEUE}: 2 waiting jobs deleted\n"
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, delayed=1)


def test_delayed_jobs_too_if_asked() -> None:
    assert run("queue_drain", QUEUE, "--delayed", "--yes") == f"{QUEUE}: 3 waiting and delayed jobs deleted\n"
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_a_dry_run_only_counts() -> None:
    assert run("queue_drain", QUEUE, "--dry-run") == f"{QUEUE}: 2 waiting jobs would be deleted\n"
    assert get_queue_stats(QUEUE).waiting == 2


@pytest.mark.parametrize("text", ["", "n", "nope", None])
def test_without_a_yes_nothing_is_deleted(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    asked = answers(monkeypatch, text)
    with pytest.raises(CommandError, match="Nothing was deleted"):
        run("queue_drain", QUEUE)
    assert asked == [f"Delete 2 waiting jobs of {QUEUE} for good? [y/N] "]
    assert get_queue_stats(QUEUE).waiting == 2


def test_a_yes_deletes(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "Yes")
    assert run("queue_drain", QUEUE) == f"{QUEUE}: 2 waiting jobs deleted\n"


def test_an_empty_queue_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, "no")
    assert run("queue_drain", "embeddings") == "embeddings: 0 waiting jobs deleted\n"
    assert asked == []


def test_jobs_are_cancelled_by_id() -> None:
    waiting, delayed, done = greet.enqueue(name="Eve"), greet.using(delay=60).enqueue(name="Fay"), greet.enqueue(name="Gus")
    done.remove()
    words = "cancelled before it ran; it is among the failed jobs now"
    assert run("queue_cancel", waiting.id, delayed.id) == f"{waiting.id}: {words}\n{delayed.id}: {words}\n"
    assert get_job(waiting.id).error_class == "JobCancelled"
    assert run("queue_cancel", waiting.id) == f"{waiting.id}: had ended\n"
    with pytest.raises(CommandError, match="There is no job"):
        run("queue_cancel", done.id)


def test_an_unknown_queue_and_redis_away_are_one_sentence(settings) -> None:
    with pytest.raises(CommandError, match="Unknown queue 'nope'"):
        run("queue_drain", "nope", "--yes")
    settings.RQ_QUEUES = {"mail": {"URL": "redis://127.0.0.1:1/0"}}
    with pytest.raises(CommandError, match="Redis did not answer"):
        run("queue_drain", "mail", "--yes")
    with pytest.raises(CommandError, match="Redis did not answer"):
        run("queue_cancel", "x")
