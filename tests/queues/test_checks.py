import time
from collections.abc import Iterator

import pytest
import redis
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import modify_settings, override_settings

from queues.decorators import job
from queues.jobs.registry import registry
from queues.worker import ConcurrentWorker
from tests.processes import StartWorker

pytestmark = pytest.mark.django_db  # other apps' checks ask the database

GOOD = {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"}


class OwnWorker(ConcurrentWorker):
    """What a project may build on ours."""


def found(*, databases: list[str] | None = None) -> list[tuple[str, str]]:
    """Id and cause of every message of ours that `manage.py check` would show."""
    return [(m.id, m.msg) for m in run_checks(databases=databases) if m.id and m.id.startswith("queues.")]


def ids(**options: list[str]) -> list[str]:
    return [each for each, _ in found(**options)]


def test_the_projects_own_settings_raise_nothing() -> None:
    assert found(databases=["default"]) == []


def test_queues_after_django_rq_is_an_error(settings) -> None:
    apps = [app for app in settings.INSTALLED_APPS if app != "queues"]
    with override_settings(INSTALLED_APPS=[*apps, "queues"]):
        ((id, cause),) = found()
    assert (id, cause) == ("queues.E001", "'queues' comes after 'django_rq' in INSTALLED_APPS.")


def test_a_project_without_django_rq_is_an_error() -> None:
    with modify_settings(INSTALLED_APPS={"remove": "django_rq"}):
        assert ("queues.E001", "'queues' needs 'django_rq' in INSTALLED_APPS.") in found()


@pytest.mark.parametrize("option", ["QUEUE_CLASS", "JOB_CLASS", "WORKER_CLASS"])
@pytest.mark.parametrize("value", [None, "rq.Worker", "no.such.module.Class", "nodots"])
def test_a_class_that_is_not_ours_is_an_error(settings, option: str, value: str | None) -> None:
    settings.RQ = {**settings.RQ, option: value}
    ((id, cause),) = found()
    assert id == "queues.E002"
    assert f"RQ['{option}'] is {value!r}" in cause


def test_a_subclass_of_ours_is_fine(settings) -> None:
    settings.RQ = {**settings.RQ, "WORKER_CLASS": f"{__name__}.OwnWorker"}
    assert found() == []


def test_a_queue_with_a_class_of_its_own_is_an_error(settings) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "own": {**GOOD, "QUEUE_CLASS": "rq.Queue"}}
    assert ids() == ["queues.E002"]


@pytest.mark.parametrize("serializer", [None, "pickle", "rq.serializers.PickleSerializer", "no.such.Serializer", "json"])
def test_a_serializer_that_is_not_json_is_an_error(settings, serializer: str | None) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "own": {**GOOD, "SERIALIZER": serializer}}
    assert ids() == ([] if serializer == "json" else ["queues.E003"])


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ("redis://127.0.0.1", "RQ_QUEUES['own'] is not a dict"),
        ({"SERIALIZER": "json"}, "RQ_QUEUES['own'] says nothing of its Redis server"),
        ({**GOOD, "URL": "rdis://:secret@host/0"}, "The URL of own in RQ_QUEUES, rdis://host/0, is not a Redis URL"),
        ({**GOOD, "URL": "redis://host:port/0"}, "The URL of own in RQ_QUEUES, redis://host:port/0, is not a Redis URL"),
        ({**GOOD, "CONCURRENCY": 0}, "RQ_QUEUES['own']['CONCURRENCY'] is 0"),
        ({**GOOD, "CONCURRENCY": "3"}, "RQ_QUEUES['own']['CONCURRENCY'] is '3'"),
        ({**GOOD, "DEFAULT_TIMEOUT": 1.5}, "RQ_QUEUES['own']['DEFAULT_TIMEOUT'] is 1.5"),
        ({**GOOD, "KEEP_FAILED": True}, "RQ_QUEUES['own']['KEEP_FAILED'] is True"),
        ({**GOOD, "KEEP_COMPLETED": {"count": -1}}, "RQ_QUEUES['own']['KEEP_COMPLETED'] is {'count': -1}"),
        ({**GOOD, "ATTEMPTS": 0}, "RQ_QUEUES['own']['ATTEMPTS'] is 0"),
        ({**GOOD, "BACKOFF": "slow"}, "RQ_QUEUES['own']['BACKOFF'] is 'slow'"),
        ({**GOOD, "HEALTH": {"waiting": 5}}, "RQ_QUEUES['own']['HEALTH'] is {'waiting': 5}"),
    ],
)
def test_a_queue_that_cannot_be_opened_is_an_error(settings, entry: object, cause: str) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "own": entry}
    ((id, text),) = found()
    assert id == "queues.E004"
    assert text.startswith(cause)
    assert "secret" not in text


@pytest.mark.parametrize(
    "name", ["", "a,b", "schedule", "log", "probe", "log:x", "schedule:x", "a:by:name", "a:dedupe", "a:b:intermediate"]
)
def test_a_queue_whose_keys_would_be_those_of_something_else_is_an_error(settings, name: str) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, name: GOOD}
    ((id, cause),) = found()
    assert (id, repr(name) in cause) == ("queues.E009", True)


@pytest.mark.parametrize("name", ["logs", "by", "dedupe", "mail:urgent", "mail:prio", "mail:schedule", "eu/mail", "Über uns"])
def test_a_queue_may_be_called_anything_else(settings, name: str) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, name: GOOD}
    assert found() == []


def test_a_queues_own_defaults_are_fine(settings) -> None:
    own = {"ATTEMPTS": 5, "BACKOFF": {"type": "exponential", "jitter": 0.5}, "KEEP_COMPLETED": {"count": 9, "age": 3600}, "KEEP_FAILED": 9}
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "own": {**GOOD, **own, "HEALTH": {"waiting": (5, None)}}}
    assert found() == []


def test_no_queues_at_all_is_one_error(settings) -> None:
    for nothing in ({}, [], None):
        settings.RQ_QUEUES = nothing
        assert ids() == ["queues.E004"]


def test_queues_that_share_a_wrong_url_are_named_in_one_sentence(settings) -> None:
    settings.RQ_QUEUES = {name: {**entry, "URL": "nonsense"} for name, entry in settings.RQ_QUEUES.items()}
    ((_, cause),) = found()
    assert "embeddings, email-sync, notifications" in cause


def test_a_misspelt_option_is_a_warning(settings) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "own": {**GOOD, "CONCURENCY": 3}}
    assert found() == [("queues.W003", "RQ_QUEUES['own']['CONCURENCY'] is an option that nothing reads.")]


def test_a_job_of_an_unknown_queue_is_an_error() -> None:
    job(name="lost", queue="nowhere")(lost)
    try:
        ((id, cause),) = found()
    finally:
        registry.unregister("lost")
    assert id == "queues.E007"
    assert "'lost'" in cause and "'nowhere'" in cause


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUEUES_LEASE_SECONDS", "30"),
        ("QUEUES_LEASE_SECONDS", 1),
        ("QUEUES_KEEP_FAILED", -1),
        ("QUEUES_ALLOWED_FUNCTIONS", "app.f"),
        ("QUEUES_MASKED_FIELDS", "token"),
        ("QUEUES_MASKED_FIELDS", [""]),
        ("QUEUES_LEASE", 3),
        ("QUEUES_ATTEMPTS", 0),
        ("QUEUES_ANSWER_SECONDS", 0),
        ("QUEUES_ANSWER_SECONDS", "1"),
        ("QUEUES_HEALTH", {"waiting": (1000, 100)}),
    ],
)
def test_a_wrong_or_unknown_setting_is_an_error(name: str, value: object) -> None:
    with override_settings(**{name: value}):
        ((id, cause),) = found()
    assert id == "queues.E006"
    assert cause.startswith(name)


def test_django_rqs_own_pages_are_a_warning(settings) -> None:
    settings.RQ_SHOW_ADMIN_LINK = True
    assert ids() == ["queues.W001"]
    del settings.RQ_SHOW_ADMIN_LINK
    assert ids() == ["queues.W001"]


def test_each_unreachable_server_is_one_error_within_a_second_and_shows_no_password(settings) -> None:
    away = {**GOOD, "URL": "redis://user:secret@127.0.0.1:1/0"}
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "one": away, "two": away}
    start = time.monotonic()
    ((id, cause),) = found(databases=["default"])
    assert time.monotonic() - start < 1
    assert id == "queues.E005"
    assert cause.startswith("Redis at redis://127.0.0.1:1/0 (queues one, two) does not answer: ")
    assert "secret" not in cause


def test_no_server_is_asked_unless_databases_are_to_be_checked(settings) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "away": GOOD}
    assert ids() == []
    with pytest.raises(SystemCheckError, match=r"queues\.E005"):
        call_command("check", databases=["default"])


@pytest.fixture
def evicting_redis(connection: redis.Redis) -> Iterator[redis.Redis]:
    """The tests' Redis while it may evict keys; nothing is evicted, since it has no memory limit."""
    before = connection.config_get("maxmemory-policy")["maxmemory-policy"]
    connection.config_set("maxmemory-policy", "allkeys-lru")
    yield connection
    connection.config_set("maxmemory-policy", before)


def test_a_redis_that_may_drop_jobs_is_a_warning(evicting_redis: redis.Redis) -> None:
    ((id, cause),) = found(databases=["default"])
    assert id == "queues.W002"
    assert "allkeys-lru" in cause


def test_a_worker_does_not_start_with_wrong_settings(start_worker: StartWorker) -> None:
    worker = start_worker(DJANGO_SETTINGS_MODULE="tests.queues.misconfigured")
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 1
    assert "queues.E004" in output
    assert "Traceback" not in output
    assert "secret" not in output


def lost() -> None:
    """A job of no queue."""


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("QUEUES_CLEAN_QUEUE", 5),
        ("QUEUES_CLEAN_AFTER_SECONDS", 0),
        ("QUEUES_CLEAN_STATES", "completed"),
        ("QUEUES_CLEAN_STATES", ["completed", "waiting"]),
        ("QUEUES_CLEAN_STATES", [["completed"]]),
    ],
)
def test_a_wrong_clean_up_is_an_error(settings, setting: str, value: object) -> None:
    setattr(settings, setting, value)
    ((id, cause),) = found()
    assert id == "queues.E006"
    assert f"{setting} is {value!r}" in cause


def test_deleting_dead_letters_is_a_warning_while_it_is_asked_for(settings) -> None:
    settings.QUEUES_CLEAN_STATES = ["completed", "failed"]
    ((id, cause),) = found()
    assert id == "queues.W004"
    assert "dead letters are deleted for good after 86400 s" in cause
    settings.QUEUES_CLEAN_QUEUE = None
    assert found() == []


HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize(
    ("tokens", "cause"),
    [
        ("geheim", "QUEUES_API_TOKENS is neither a mapping nor a list."),
        ({"prometheus": "geheim"}, "QUEUES_API_TOKENS['prometheus'] is no SHA-256 in hex."),
        ({"prometheus": None}, "QUEUES_API_TOKENS['prometheus'] is no SHA-256 in hex."),
        ([f"{HASH} "], "QUEUES_API_TOKENS[0] is no SHA-256 in hex."),
        ({"one": HASH, "two": HASH.upper()}, "QUEUES_API_TOKENS['two'] is the same token as 'one'."),
        ([HASH, HASH], "QUEUES_API_TOKENS[1] is the same token as 0."),
    ],
)
def test_a_token_that_cannot_be_compared_is_an_error_that_does_not_tell_it(settings, tokens: object, cause: str) -> None:
    settings.QUEUES_API_TOKENS = tokens
    assert found() == [("queues.E006", cause)]


def test_hashes_of_tokens_are_fine_with_and_without_names(settings) -> None:
    for tokens in ({}, [], {"one": HASH}, [HASH]):
        settings.QUEUES_API_TOKENS = tokens
        assert found() == []
