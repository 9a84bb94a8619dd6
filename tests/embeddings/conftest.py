from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from embeddings.models import Embedding, EmbeddingModel
from embeddings.providers.fake import FakeProvider
from queues import get_queue
from queues.testing import run_jobs


@pytest.fixture(autouse=True)
def empty_queues() -> None:
    get_queue("embeddings").connection.flushdb()


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    """The fake provider that the tests' active model uses."""
    fake = EmbeddingModel.objects.active().get_provider()
    assert isinstance(fake, FakeProvider)
    fake.reset()
    yield fake
    fake.reset()


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob")


def work() -> int:
    """What a worker would do now."""
    return run_jobs("embeddings")


def vector_rows() -> list[tuple[Any, ...]]:
    """The stored vectors with where they lie in the table: an unchanged list means that nothing was written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entity_type, entity_id, chunk_index, content, ctid::text, xmin::text FROM embeddings_embedding ORDER BY 1, 2, 3"
        )
        return cursor.fetchall()


def stored() -> set[tuple[str, str, str]]:
    """(type, id, content) of all vectors."""
    return set(Embedding.objects.values_list("entity_type", "entity_id", "content"))
