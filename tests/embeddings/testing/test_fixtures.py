"""The fixtures, and that their plugin can be loaded before Django's apps are."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.contrib.auth.models import User

from embeddings import search
from embeddings.models import EmbeddingModel
from embeddings.owing.changes import Change
from embeddings.providers.fake import FakeProvider
from tests.testapp.models import Note


def save_and_find(user: User, run_pending: Callable[..., int]) -> None:
    note = Note.objects.create(author=user, title="heart doctor")
    assert run_pending() == 1
    assert [hit.entity for hit in search(user, "doctor")] == [note]


def test_without_a_mark_the_test_has_a_transaction(fake_provider: FakeProvider, run_pending: Callable[..., int], ann: User) -> None:
    save_and_find(ann, run_pending)
    assert fake_provider.texts == ["heart doctor", "doctor"]


@pytest.mark.django_db(transaction=True)
def test_with_commits(fake_provider: FakeProvider, run_pending: Callable[..., int], ann: User) -> None:
    save_and_find(ann, run_pending)


@pytest.mark.django_db
def test_captured_changes(captured_changes: Callable[[], AbstractContextManager[list[Change]]], ann: User) -> None:
    with captured_changes() as changes:
        note = Note.objects.create(author=ann, title="a")
    assert [change.entity for change in changes] == [("note", str(note.pk))]


@pytest.fixture
def openai(db: None) -> EmbeddingModel:
    EmbeddingModel.objects.update(status="retired")
    return EmbeddingModel.objects.create(provider="openai", name="x", dimensions=3, min_similarity=0, status="active")


def test_the_fixture_replaces_an_active_model(openai: EmbeddingModel, fake_provider: FakeProvider) -> None:
    assert EmbeddingModel.objects.active().get_provider() is fake_provider


def test_the_helpers_are_imported_before_the_apps_are_ready() -> None:
    program = "import embeddings.testing.fixtures, embeddings.testing.openai_server"
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
