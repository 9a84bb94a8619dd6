"""A database that serves nobody: no attempt is charged, no provider paid, no change lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from embeddings.models import DirtyEntity, EmbeddingState
from embeddings.providers.fake import FakeProvider
from queues import get_queue
from tests.embeddings.conftest import stored, work
from tests.embeddings.test_failures import work_to_the_end
from tests.processes import wait_until
from tests.testapp.models import Document, Note

pytestmark = pytest.mark.django_db(transaction=True)


def connect() -> psycopg.Connection:
    return psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.ClientCursor})


def work_in_thread() -> None:
    try:
        work()
    finally:
        connections.close_all()


def is_waited_for(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass", [table])
        return cursor.fetchone() == (1,)


def test_a_database_in_trouble_charges_no_attempt(ann: User) -> None:
    note = Note.objects.create(author=ann, title="a")
    work()
    note.title = "b"
    note.save()
    with connect() as other:
        other.execute("SELECT * FROM embeddings_embeddingstate FOR UPDATE")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        work()
    (job,) = get_queue("embeddings").jobs("delayed")
    assert (job.attempts_made, "lock timeout" in job.error) == (0, True)
    work_to_the_end()
    assert {content for _, _, content in stored()} == {"b"}


@pytest.mark.parametrize("table", ["testapp_note", "embeddings_dirtyentity", "embeddings_embeddingstate", "embeddings_embedding"])
def test_a_table_that_a_migration_holds_charges_no_attempt_and_asks_no_provider(ann: User, provider: FakeProvider, table: str) -> None:
    for title in ("a", "b"):
        Note.objects.create(author=ann, title=title)
    with connect() as migration:
        migration.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '400ms'")
        work()
    connection.close()
    assert [(job.attempts_made, "lock timeout" in job.error) for job in get_queue("embeddings").jobs("delayed")] == [(0, True)] * 2
    assert (provider.calls, EmbeddingState.objects.count()) == (0, 0)
    work_to_the_end()
    assert {content for _, _, content in stored()} == {"a", "b"}


@pytest.mark.parametrize(
    ("first", "second"), [("testapp_note", "embeddings_embedding"), ("embeddings_embedding", "embeddings_dirtyentity")]
)
def test_a_migration_of_several_tables_meets_no_deadlock_with_a_waiting_worker(ann: User, first: str, second: str) -> None:
    Note.objects.create(author=ann, title="a")
    with ThreadPoolExecutor() as threads, connect() as migration:
        migration.execute(f"LOCK TABLE {first} IN ACCESS EXCLUSIVE MODE")
        working = threads.submit(work_in_thread)
        wait_until(lambda: is_waited_for(first))
        migration.execute(f"LOCK TABLE {second} IN ACCESS EXCLUSIVE MODE NOWAIT")
        migration.rollback()
        working.result()
    assert {content for _, _, content in stored()} == {"a"}


def test_a_type_whose_table_is_not_there_fails_alone_with_its_reason(ann: User) -> None:
    Note.objects.create(author=ann, title="fine")
    Document.objects.create(user=ann, text="unreadable")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE testapp_document RENAME TO testapp_gone")
    try:
        work_to_the_end()
        (row,) = DirtyEntity.objects.parked()
        state = EmbeddingState.objects.get(entity_type="document")
        assert (row.entity_type, state.error_class) == ("document", "ProgrammingError")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE testapp_gone RENAME TO testapp_document")
    assert {content for _, _, content in stored()} == {"fine"}


@pytest.mark.parametrize("table", ["embeddings_dirtyentity", "embeddings_embeddingmodel", "embeddings_embedding"])
def test_tables_of_ours_that_are_not_there_charge_no_attempt(ann: User, table: str) -> None:
    """As where a worker of the new release starts before `migrate`, or one of the old release goes on after it."""
    Note.objects.create(author=ann, title="a")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO somewhere_else")
    try:
        work()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE somewhere_else RENAME TO {table}")
    (job,) = get_queue("embeddings").jobs("delayed")
    assert (job.attempts_made, "does not exist" in job.error) == (0, True)
    work_to_the_end()
    assert {content for _, _, content in stored()} == {"a"}


def test_a_read_only_database_charges_no_attempt_and_asks_no_provider(ann: User, provider: FakeProvider) -> None:
    """A standby that was a primary, and what managed servers become when their disk is full."""
    Note.objects.create(author=ann, title="a")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    work()
    connection.close()
    (job,) = get_queue("embeddings").jobs("delayed")
    assert (job.attempts_made, "read-only" in job.error, provider.calls) == (0, True, 0)
    work_to_the_end()
    assert {content for _, _, content in stored()} == {"a"}
