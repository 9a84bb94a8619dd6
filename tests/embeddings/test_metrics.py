"""What Prometheus is told of the embeddings."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from embeddings.models import EmbeddingModel, EmbeddingUsage
from embeddings.providers.fake import FakeProvider
from embeddings.readiness import check_pgvector
from queues.api.readiness import NotReady
from queues.api.tokens import hash_of, new_token
from queues.testing import run_jobs
from tests.embeddings.conftest import work
from tests.queues.api.scrapes import Samples, scrape
from tests.testapp.models import Note, Shelf

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("provider")]

FAKE = ("fake", "bag-of-words")


@pytest.fixture
def program(settings) -> Client:
    token = new_token()
    settings.QUEUES_API_TOKENS = [hash_of(token)]
    return Client(headers={"Authorization": f"Bearer {token}"})


def state_of(found: Samples) -> str:
    (state,) = [key[-1] for key, value in found.items() if key[0] == "embeddings_provider_state" and value == 1]
    return state


def test_what_is_owed_is_told_by_entity_type(program: Client, ann: User) -> None:
    assert scrape(program)["embeddings_dirty_rows", "default", "note", "pending"] == 0
    Note.objects.create(author=ann, title="unbuildable")
    run_jobs("embeddings", delayed=True)
    Note.objects.create(author=ann, title="a heart")
    found = scrape(program)
    assert found["embeddings_dirty_rows", "default", "note", "pending"] == 1
    assert found["embeddings_dirty_rows", "default", "note", "parked"] == 1
    assert 0 < found["embeddings_oldest_pending_seconds", "default"] < 60
    work()
    found = scrape(program)
    assert (found["embeddings_dirty_rows", "default", "note", "pending"], found["embeddings_oldest_pending_seconds", "default"]) == (0, 0)


def test_fan_outs_are_told(program: Client, ann: User) -> None:
    shelf = Shelf.objects.create(name="oak")
    Note.objects.create(author=ann, title="a heart", shelf=shelf)
    work()
    shelf.name = "pine"
    shelf.save()
    assert scrape(program)["embeddings_fan_outs", "default", "note", "pending"] == 1


def test_requests_and_tokens_of_the_day_are_told_also_where_there_were_none(program: Client, ann: User) -> None:
    EmbeddingUsage.objects.create(day="2020-01-01", provider=FAKE[0], model=FAKE[1], requests=7, tokens=700)
    found = scrape(program)
    assert found["embeddings_tokens_total", "default", *FAKE] == found["embeddings_provider_requests_total", "default", *FAKE] == 0
    Note.objects.create(author=ann, title="a heart")
    work()
    found = scrape(program)
    spent = EmbeddingUsage.objects.get(owner_id=str(ann.pk))
    assert found["embeddings_tokens_total", "default", *FAKE] == spent.tokens > 0
    assert found["embeddings_provider_requests_total", "default", *FAKE] == spent.requests == 1


@pytest.mark.parametrize(("trouble", "state"), [("limit_rate", "rate_limit"), ("go_down", "outage"), ("misconfigure", "circuit")])
def test_a_provider_in_trouble_is_told(program: Client, ann: User, provider: FakeProvider, trouble: str, state: str) -> None:
    assert state_of(scrape(program)) == "serving"
    getattr(provider, trouble)()
    Note.objects.create(author=ann, title="a heart")
    work()
    found = scrape(program)
    assert state_of(found) == state
    assert found["embeddings_provider_retry_seconds", *FAKE] > 0
    provider.reset()
    assert state_of(scrape(program)) == "serving"


def test_retired_models_are_not_told(program: Client) -> None:
    EmbeddingModel.objects.create(provider="openai", name="old", dimensions=3, min_similarity=0.2, status="retired")
    assert not any("old" in key for key in scrape(program))


def test_a_scrape_costs_few_statements_and_they_are_bounded(program: Client, ann: User) -> None:
    for number in range(20):
        Note.objects.create(author=ann, title=f"note {number}")
    with CaptureQueriesContext(connection) as captured:
        scrape(program)
    statements = [query["sql"] for query in captured if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(statements) == 5 and statements[0] == "SET LOCAL statement_timeout = 1000"


def test_a_statement_that_takes_long_is_given_up_and_told(program: Client) -> None:
    """A table that somebody locks stands for a slow one."""
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            other.set_autocommit(False)
            cursor.execute("LOCK TABLE embeddings_dirtyentity IN ACCESS EXCLUSIVE MODE")
            found = scrape(program)
    finally:
        other.close()
    assert found["embeddings_up", "default"] == 0
    assert not any(key[0] == "embeddings_dirty_rows" for key in found)
    assert found["rq_jobs", "embeddings", "queued"] == 0
    assert scrape(program)["embeddings_up", "default"] == 1


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DROP EXTENSION vector CASCADE", "the extension vector is missing"),
        ("ALTER TABLE embeddings_embedding RENAME TO elsewhere", "the tables are missing"),
    ],
)
def test_a_database_that_cannot_hold_vectors_is_not_ready(statement: str, told: str) -> None:
    check_pgvector()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        with pytest.raises(NotReady, match=told):
            check_pgvector()
        transaction.set_rollback(True)
    check_pgvector()
