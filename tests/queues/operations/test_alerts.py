"""People are told of dead jobs, seldom enough to read it."""

import pytest
from django.core import mail
from redis import Redis

from queues import add_job, cancel_job
from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE, give_up, greet

told: list[tuple[str, str, int]] = []


def tell(job, error, others: int) -> None:
    told.append((job.name, str(error), others))


def explode(job, error, others: int) -> None:
    raise RuntimeError("the pager is broken")


@pytest.fixture(autouse=True)
def admins(settings) -> None:
    settings.ADMINS = [("Olga", "olga@example.org")]
    told.clear()


def test_the_first_dead_job_is_mailed_and_the_next_ones_are_counted(connection: Redis) -> None:
    for number in range(5):
        give_up.enqueue(name=str(number))
    run_jobs(QUEUE)
    (message,) = mail.outbox
    assert message.to == ["olga@example.org"]
    assert f"{QUEUE}: job give-up failed for good" in message.subject
    assert "it will never work" in message.body and "manage.py queue_retry" in message.body
    connection.delete(f"rq:ext:{QUEUE}:alert")
    give_up.enqueue(name="later")
    run_jobs(QUEUE)
    assert "4 more jobs" in mail.outbox[1].body


def test_the_payload_is_not_mailed() -> None:
    give_up.enqueue(name="a private name")
    run_jobs(QUEUE)
    assert "a private name" not in mail.outbox[0].body + mail.outbox[0].subject


def test_a_retried_failure_is_not_mailed() -> None:
    add_job(QUEUE, "fail", {"name": "Ann"})
    run_jobs(QUEUE)
    assert mail.outbox == []


def test_a_callable_of_the_project_may_be_told_instead(settings) -> None:
    settings.QUEUES_ALERT = f"{__name__}.tell"
    give_up.enqueue(name="Ann")
    run_jobs(QUEUE)
    assert (told, mail.outbox) == ([("give-up", "it will never work", 0)], [])


def test_nobody_is_told_where_the_setting_is_empty(settings) -> None:
    settings.QUEUES_ALERT = ""
    give_up.enqueue(name="Ann")
    run_jobs(QUEUE)
    assert mail.outbox == []


def test_a_broken_alert_harms_no_job(settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.QUEUES_ALERT = f"{__name__}.explode"
    give_up.enqueue(name="Ann")
    cancel_job(greet.enqueue(name="Bob").id)
    assert run_jobs(QUEUE) == 1
    assert "the pager is broken" in caplog.text


def test_what_somebody_cancelled_alarms_nobody() -> None:
    cancel_job(greet.enqueue(name="Bob").id)
    assert mail.outbox == []


def test_a_masked_value_is_not_mailed_either() -> None:
    add_job(QUEUE, "fail-with-token", {"name": "Ann", "token": "hunter-2-token"}, attempts=1)
    run_jobs(QUEUE)
    assert "no luck with" in mail.outbox[0].body and "hunter-2" not in mail.outbox[0].body


def test_a_planted_name_neither_keeps_the_mail_away_nor_steers_what_reads_it(connection: Redis) -> None:
    job = greet.enqueue(name="Ann")
    connection.hset(f"rq:job:{job.id}", mapping={"name": "a\r\nBcc: b\x1b[2J; rm -rf ~", "data": b"rubbish"})
    run_jobs(QUEUE)
    (message,) = mail.outbox
    assert "job a Bcc: b\ufffd[2J; rm -rf ~ failed" in message.subject
    assert "--name 'a Bcc: b\ufffd[2J; rm -rf ~'\n" in message.body
    assert not {"\x1b", "\r"} & set(message.subject + message.body)
