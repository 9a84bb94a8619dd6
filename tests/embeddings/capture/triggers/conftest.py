"""Triggers alone: signals are off, so that nothing else captures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from embeddings.capture.triggers.installation import install, remove
from tests.embeddings.capture.conftest import registered, settle
from tests.testapp.models import Article


@pytest.fixture(scope="module", autouse=True)
def none_left(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    yield
    with django_db_blocker.unblock():
        remove(using="default")


@pytest.fixture(autouse=True)
def triggers(none_left: None, transactional_db: None) -> Iterator[None]:
    """All that a test left missing; it is quick where there are all."""
    install(using="default")
    with override_settings(EMBEDDINGS_SIGNALS=False):
        yield


@pytest.fixture
def article(ann: User) -> Article:
    article = Article.objects.create(author=ann, title="an article")
    settle()
    return article


@contextmanager
def watched(model: type, **options: Any) -> Iterator[None]:
    """The model registered, with the triggers for it."""
    with registered(model, **options):
        install(using="default")
        yield
    install(using="default")
