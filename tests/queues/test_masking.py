"""What nobody is to read."""

import re
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from queues import add_job, get_schedule, job, schedule
from queues.jobs.registry import registry
from queues.masking import MASK, Masker, holds_mask, mask, unmask
from queues.store import keys
from queues.testing import run_jobs
from tests.queues.accounts import make_user
from tests.queues.filling import Committed
from tests.testapp.jobs import QUEUE


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"token": "abc", "name": "Ann"}, {"token": MASK, "name": "Ann"}),
        (
            {"API_Token": 1, "Authorization": ["Bearer x"], "userPassword": {"a": 1}},
            dict.fromkeys(("API_Token", "Authorization", "userPassword"), MASK),
        ),
        ([{"deep": [{"secret": True}]}], [{"deep": [{"secret": MASK}]}]),
        ({"token": "", "password": None, "secret": []}, {"token": "", "password": None, "secret": []}),
        ({"token": "abcdef", "url": "https://host/?t=abcdef"}, {"token": MASK, "url": f"https://host/?t={MASK}"}),
        ({"tok": "abcdef"}, {"tok": "abcdef"}),
        ("text", "text"),
        (None, None),
    ],
)
def test_masked_fields_at_any_depth_and_their_values_elsewhere(data: Any, shown: Any) -> None:
    assert mask(data) == shown


def test_the_setting_says_which(settings) -> None:
    settings.QUEUES_MASKED_FIELDS = ["IBAN"]
    assert mask({"iban": "1", "token": "2"}) == {"iban": MASK, "token": "2"}


def test_texts_that_repeat_a_masked_value_are_masked_in_each_spelling() -> None:
    masker = Masker({"outer": {"secret": {"inner": ['it\'s "quoted" é\n']}}, "token": 123456789, "password": "short"})
    for text in ('it\'s "quoted" é\n', repr('it\'s "quoted" é\n'), '"it\'s \\"quoted\\" \\u00e9\\n"', "number 123456789"):
        assert MASK in masker.text(text)
        assert "quoted" not in masker.text(text)
    assert masker.text("a short word") == "a short word"


def test_a_value_is_masked_as_addresses_spell_it() -> None:
    masker = Masker({"token": "a+b/c d=é"})
    for text in ("a%2Bb/c%20d%3D%C3%A9", "a%2Bb%2Fc%20d%3D%C3%A9", "a%2Bb%2Fc+d%3D%C3%A9"):
        assert masker.text(f"404 for https://host/?t={text}&x=1") == f"404 for https://host/?t={MASK}&x=1"


def test_a_long_value_is_masked_to_its_end_or_to_that_of_the_text() -> None:
    masker = Masker({"token": "x" * 300 + "y" * 300})
    assert masker.text("<" + "x" * 300 + "y" * 300 + ">") == f"<{MASK}>"
    assert masker.text("<" + "x" * 300) == f"<{MASK}"


def test_values_made_to_be_compared_for_ever_are_not(time_limit) -> None:
    """A thousand lengths of one beginning, at each character of a text that consists of that beginning."""
    masker = Masker({"token": ["a" * length + "b" for length in range(6, 1500)]})
    with time_limit(30):  # of minutes
        assert "aaaaaa" not in masker.text("a" * 200_000)
        assert masker.text("x" + "a" * 700 + "b") == f"x{MASK}"


def test_many_values_are_found_in_one_walk() -> None:
    """Each text against each value would be a hundred million comparisons."""
    tokens = [f"token-number-{number}" for number in range(10_000)]
    shown = mask({"tokens": tokens, "others": tokens})
    assert shown == {"tokens": MASK, "others": [MASK] * 10_000}


def test_a_value_that_contains_another_goes_first() -> None:
    assert Masker({"token": "abcdef", "secret": "abcdef-ghi"}).text("abcdef-ghi") == MASK


def test_payloads_nested_without_end_do_not_end_the_page() -> None:
    deep: Any = "secret value"
    for _ in range(3000):
        deep = [{"token": deep}]
    assert mask(deep) == [{"token": MASK}]
    for _ in range(3000):
        deep = [deep]
    assert "too deep" in str(mask(deep))


STORED = {"name": "Ann", "token": "abcdef", "many": [{"token": "first!"}, {"token": "second", "x": 1}], "text": "has abcdef in it"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"name": "Bob"}, {"name": "Bob"}),
        ({"token": "new"}, {"token": "new"}),
        ({"many": [{"token": MASK}, {"token": MASK, "x": 2}]}, {"many": [{"token": "first!"}, {"token": "second", "x": 2}]}),
        ({"many": [{"token": MASK, "x": 1}]}, {"many": [{"token": "second", "x": 1}]}),
        ({"many": [{"token": MASK, "x": 1}, {"token": MASK}]}, {"many": [{"token": "second", "x": 1}, {"token": "first!"}]}),
        ({"text": "free"}, {"text": "free"}),
    ],
)
def test_what_is_left_masked_keeps_its_stored_value(change: dict[str, Any], expected: dict[str, Any]) -> None:
    shown = mask(STORED)
    assert unmask({**shown, **change}, shown, STORED) == {**STORED, **expected}


@pytest.mark.parametrize("change", [{"many": [{"token": MASK, "x": 3}]}, {"text": f"now {MASK}"}, {"new": [{"token": MASK}]}])
def test_a_mask_that_stands_for_nothing_is_left_to_be_refused(change: dict[str, Any]) -> None:
    shown = mask(STORED)
    assert holds_mask(unmask({**shown, **change}, shown, STORED))
    assert not holds_mask(STORED)


@pytest.mark.django_db
def test_no_part_of_a_jobs_page_shows_a_masked_value(client: Client, django_capture_on_commit_callbacks: Committed, connection) -> None:
    client.force_login(make_user("view_queue", "add_job"))
    with django_capture_on_commit_callbacks(execute=True):
        job = add_job(QUEUE, "fail-with-token", {"token": "hunter-2-token", "name": "Ann"}, attempts=1, dedupe="hunter-2-token")
    run_jobs(QUEUE)
    connection.rpush(keys.log(job.id), "using hunter-2-token")
    connection.hset(keys.job(job.id), "progress", b'["hunter-2-token", {"secret": "told-at-a-run"}]')
    connection.rpush(keys.log(job.id), "using told-at-a-run")
    for name, more in (("change", []), ("rerun", []), ("text", ["payload"]), ("text", ["log"])):
        page = client.get(reverse(f"admin:queues_job_{name}", args=[job.id, *more])).content.decode()
        assert not re.search("hunter-2|told-at", page), (name, more)
    assert "no luck with" in client.get(reverse("admin:queues_job_change", args=[job.id])).content.decode()


@pytest.mark.django_db
def test_no_list_endpoint_or_command_shows_a_masked_value(
    client: Client, django_capture_on_commit_callbacks: Committed, connection
) -> None:
    client.force_login(make_user("view_queue"))
    with django_capture_on_commit_callbacks(execute=True):
        found = add_job(QUEUE, "fail-with-token", {"token": "hunter-2-token", "name": "Ann"}, attempts=1)
    run_jobs(QUEUE)
    texts = {"error": "ValueError: hunter-2-token is no luck", "owner": "hunter-2-token"}
    connection.hset(keys.job(found.id), mapping={"progress": b'["hunter-2-token"]', **texts})
    connection.rpush(keys.log(found.id), "using hunter-2-token")
    texts = {
        "page": client.get(reverse("admin:queues_queue_change", args=[QUEUE]), {"state": "failed"}).content.decode(),
        "dead letters": client.get(reverse("admin:queues_deadletter_changelist")).content.decode(),
        "endpoint": str(client.get(f"/api/admin/queues/{QUEUE}/jobs", {"state": "failed"}).json()),
        **{" ".join(words): command(*words) for words in ((QUEUE,), (QUEUE, "--json"), ("--id", found.id), ("--id", found.id, "--json"))},
    }
    for where, text in texts.items():
        assert "hunter-2" not in text, where
        assert MASK in text or where == "dead letters", where
    assert all("is no luck" in text for where, text in texts.items() if where != "dead letters")


@pytest.mark.django_db
def test_the_past_runs_of_a_schedule_show_no_masked_value(client: Client, connection) -> None:
    client.force_login(make_user("view_queue"))

    @schedule(cron="@daily", name="nightly")
    @job(name="nightly", queue=QUEUE, attempts=1)
    def nightly() -> None:
        raise ValueError("no luck")

    try:
        run = get_schedule("nightly").run_now()
        run_jobs(QUEUE)
        connection.hset(keys.job(run.id), mapping={"progress": b'{"token": "hunter-2-token"}', "error": "ValueError: hunter-2-token"})
        page = client.get(reverse("admin:queues_schedule_change", args=["nightly"])).content.decode()
    finally:
        registry.unregister("nightly")
    assert "hunter-2" not in page
    assert f"ValueError: {MASK}" in page


@pytest.mark.django_db
def test_a_masked_value_cannot_be_guessed_by_looking_for_it(client: Client, django_capture_on_commit_callbacks: Committed) -> None:
    client.force_login(make_user("view_queue"))
    with django_capture_on_commit_callbacks(execute=True):
        found = add_job(QUEUE, "fail-with-token", {"token": "hunter-2-token", "name": "Ann"}, attempts=1)
    run_jobs(QUEUE)
    for text, is_found in (("Ann", True), ("no luck", True), ("hunt", False), ("2-token", False)):
        page = client.get(reverse("admin:queues_queue_change", args=[QUEUE]), {"state": "failed", "text": text}).content.decode()
        answer = client.get(f"/api/admin/queues/{QUEUE}/jobs", {"state": "failed", "q": text}).json()
        assert (found.id in page, bool(answer["jobs"])) == (is_found, is_found), text


WITHOUT_ADMIN = """
import sys
import django
from django.conf import settings
apps = ["django.contrib.contenttypes", "django.contrib.auth", "django_rq", "queues"]
settings.configure(INSTALLED_APPS=apps, RQ_QUEUES={"default": {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}}, USE_TZ=True)
django.setup()
import queues.api.monitoring_urls, queues.api.urls, queues.management.commands.queue_jobs
sys.exit("queues.admin" in sys.modules)
"""


def test_endpoints_and_commands_need_no_admin() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_ADMIN], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("queue_jobs", *arguments, stdout=out)
    return out.getvalue()
