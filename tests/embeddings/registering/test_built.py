"""What an embeddable may return; anything else is the fault of that entity alone."""

import datetime
import math
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from embeddings.models import DirtyEntity, Embedding, EmbeddingState
from queues.testing import run_jobs
from tests.embeddings.conftest import work
from tests.embeddings.registering.registered import instead_of
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("content", "name"), [(None, "NoneType"), (5, "int"), (b"bytes", "bytes"), (["a"], "list")])
def test_content_that_is_no_string_fails_its_entity_alone(ann: User, content: Any, name: str) -> None:
    with instead_of("note", owner="author", content=lambda note: content if note.title == "bad" else note.title):
        bad = Note.objects.create(author=ann, title="bad")
        good = Note.objects.create(author=ann, title="good")
        run_jobs("embeddings", delayed=True)
    assert set(Embedding.objects.values_list("entity_id", flat=True)) == {str(good.pk)}
    parked = DirtyEntity.objects.parked().get()
    assert (parked.entity_id, f"content() of note {bad.pk} returned {name}, not a str" in parked.parked_reason) == (str(bad.pk), True)


def test_a_forgotten_return_does_not_empty_the_index(ann: User) -> None:
    note = Note.objects.create(author=ann, title="kept")
    work()
    with instead_of("note", owner="author", content=lambda note: None):
        note.save()
        run_jobs("embeddings", delayed=True)
    assert Embedding.objects.count() == 1


def test_metadata_is_stored_without_what_the_database_cannot_hold(ann: User) -> None:
    with instead_of(
        "note", owner="author", content=lambda note: note.title, metadata=lambda note: {"a\x00": ["b\x00", {"c": "\ud800"}, 1]}
    ):
        Note.objects.create(author=ann, title="a")
        work()
    assert Embedding.objects.get().metadata == {"a": ["b", {"c": "?"}, 1]}


class Thing:
    pass


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"thing": Thing()}, "is no JSON"),
        ({"set": {1}}, "is no JSON"),
        ({"bytes": b"a"}, "is no JSON"),
        ({"number": math.nan}, "is no JSON"),
        ({("a", "b"): 1}, "is no JSON"),
        (["a"], "returned list, not a dict"),
        (None, "returned NoneType, not a dict"),
    ],
)
def test_metadata_that_is_no_json_fails_its_entity_alone(ann: User, metadata: Any, reason: str) -> None:
    with instead_of("note", owner="author", content=lambda n: n.title, metadata=lambda n: metadata if n.title == "bad" else {}):
        Note.objects.create(author=ann, title="bad")
        Note.objects.create(author=ann, title="good")
        run_jobs("embeddings", delayed=True)
    assert Embedding.objects.get().content == "good"
    assert reason in DirtyEntity.objects.parked().get().parked_reason


def test_dates_decimals_and_uuids_are_stored_as_strings(ann: User) -> None:
    key = uuid.UUID(int=1)
    metadata = {"day": datetime.date(2024, 2, 29), "price": Decimal("1.50"), "key": key, 5: True, "nested": {"list": [None, 1.5]}}
    with instead_of("note", owner="author", content=lambda note: note.title, metadata=lambda note: metadata):
        Note.objects.create(author=ann, title="a")
        work()
    stored = Embedding.objects.get().metadata
    assert stored == {"day": "2024-02-29", "price": "1.50", "key": str(key), "5": True, "nested": {"list": [None, 1.5]}}


def test_equal_metadata_costs_no_second_embedding(ann: User) -> None:
    metadata = {"at": datetime.datetime(2024, 2, 29, 12), "key": uuid.UUID(int=1)}
    with instead_of("note", owner="author", content=lambda note: note.title, metadata=lambda note: dict(metadata)):
        note = Note.objects.create(author=ann, title="a")
        work()
        before = EmbeddingState.objects.get().content_hash
        note.save()
        work()
    assert EmbeddingState.objects.get().content_hash == before
