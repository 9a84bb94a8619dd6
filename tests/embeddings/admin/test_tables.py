"""The admin's pages of the index: what comes from outside is text, and secrets are on none of them."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse

from embeddings.models import DirtyEntity, Embedding, EmbeddingModel, EmbeddingState, EmbeddingUsage, FanOut, SyncProgress
from embeddings.testing.openai_server import CannedAnswer, OpenAIServer
from tests.embeddings.conftest import work
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)

MARKUP = "<script>alert(1)</script>"
KEY = "sk-very-secret"


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        server.api_key = KEY
        with override_settings(EMBEDDINGS_OPENAI_API_KEY=KEY, EMBEDDINGS_OPENAI_BASE_URL=server.base_url):
            EmbeddingModel.objects.create(provider="openai", name="stub-model", dimensions=64, min_similarity=0.2, status="active")
            yield server


def pages(client: Client) -> Iterator[str]:
    """Every list and every row's page."""
    for model in (EmbeddingModel, DirtyEntity, FanOut, EmbeddingState, Embedding, EmbeddingUsage, SyncProgress):
        name = f"admin:embeddings_{model._meta.model_name}"
        yield client.get(reverse(f"{name}_changelist")).content.decode()
        for pk in model._default_manager.values_list("pk", flat=True):
            yield client.get(reverse(f"{name}_change", args=[pk])).content.decode()


def test_content_and_errors_from_outside_are_shown_as_text(ann: User, root: Client, server: OpenAIServer) -> None:
    Note.objects.create(author=ann, title=f"stored {MARKUP}")
    work()
    server.refused.append("poison")
    Note.objects.create(author=ann, title="poison")
    work()
    DirtyEntity.objects.update(parked_reason=MARKUP)
    EmbeddingState.objects.exclude(error="").update(error=MARKUP)
    server.trouble = CannedAnswer(status=401, message=f"{MARKUP} Incorrect API key provided: {KEY}")
    Note.objects.create(author=ann, title="waits")
    work()
    shown = "".join(pages(root))
    assert shown.count("&lt;script&gt;alert(1)") >= 5, "content, metadata, the reason, the error and the provider's state"
    assert MARKUP not in shown
    assert KEY not in shown


def test_nothing_is_edited_by_hand(ann: User, root: Client) -> None:
    Note.objects.create(author=ann, title="stored")
    work()
    for model in (EmbeddingModel, DirtyEntity, EmbeddingState, Embedding):
        found = admin.site._registry[model]
        assert not any(getattr(found, f"has_{what}_permission")(None) for what in ("add", "change", "delete"))
