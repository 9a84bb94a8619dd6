"""The fake provider, whatever the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from django.db import InternalError, transaction
from django.db.transaction import TransactionManagementError
from django.test import override_settings

from embeddings.conf import settings
from embeddings.providers.fake import FakeProvider
from embeddings.providers.registry import get_provider
from embeddings.testing.databases import allowed_databases

if TYPE_CHECKING:
    from embeddings.models.model import EmbeddingModel, EmbeddingModelQuerySet

NAME = FakeProvider.name


@contextmanager
def fake_provider() -> Iterator[FakeProvider]:
    """In this block the active model is the fake provider's; gives the provider, to be told to be slow, limited or broken.

    At the end it is well again and has forgotten all calls, and the model that was active before is active again; what another
    model has stored is not touched. Needs the database, so it belongs inside a test: in `setUp`, not in `setUpClass`.
    """
    with ExitStack() as stack:
        provider = get_provider(NAME)
        assert isinstance(provider, FakeProvider)
        provider.reset()
        stack.callback(provider.reset)
        for using in allowed_databases():
            stack.enter_context(_active(provider, using))
        stack.enter_context(override_settings(EMBEDDINGS_PROVIDER=NAME, EMBEDDINGS_MODEL="", EMBEDDINGS_DIMENSIONS=0))
        yield provider


@contextmanager
def _active(provider: FakeProvider, using: str) -> Iterator[None]:
    """Makes its model the active one of the database, and what was active before so again at the end."""
    from embeddings.models.model import EmbeddingModel

    models = EmbeddingModel.objects.using(using)
    before = models.filter(status=EmbeddingModel.Status.ACTIVE).first()
    similarity = {"min_similarity": provider.default_min_similarity}
    model, _ = models.get_or_create(provider=NAME, name=provider.model, dimensions=provider.dimensions, defaults=similarity)
    _activate(model, models)
    try:
        yield
    finally:
        if before is not None or settings.provider != NAME:
            # In a broken transaction no query works; its rollback takes all of this back anyway.
            with suppress(InternalError, TransactionManagementError):
                _activate(before, models)


def _activate(model: EmbeddingModel | None, models: EmbeddingModelQuerySet) -> None:
    """Makes it the only active one, or none."""
    status = models.model.Status
    keys = [] if model is None else [model.pk]
    with transaction.atomic(using=models.db):
        models.filter(status=status.ACTIVE).exclude(pk__in=keys).update(status=status.RETIRED)
        models.filter(pk__in=keys).update(status=status.ACTIVE)
