"""The count that pages show."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from embeddings import embeddings_disabled
from embeddings.models import Coverage, EmbeddingModel
from embeddings.reconciling.counting import count_all
from queues import add_job, get_schedule
from tests.embeddings.conftest import work
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_count_is_kept_and_the_next_one_replaces_it(ann: User) -> None:
    Note.objects.create(author=ann, title="a")
    work()
    add_job("embeddings", "count-embeddings", {})
    work()
    first = Coverage.objects.get(entity_type="note")
    assert (first.counts["rows"], first.counts["embedded"], first.counts["missing"]) == (1, 1, 0)
    with embeddings_disabled():
        Note.objects.create(author=ann, title="b")
    count_all(using="default")
    second = Coverage.objects.get(entity_type="note")
    assert (second.pk, second.counts["missing"]) == (first.pk, 1)
    assert second.counted_at > first.counted_at


def test_what_is_not_counted_any_more_is_not_kept(ann: User) -> None:
    model = EmbeddingModel.objects.active()
    Coverage.objects.create(entity_type="ship", model=model, counted_at=timezone.now())
    count_all(using="default")
    assert not Coverage.objects.filter(entity_type="ship").exists()
    model.delete()
    assert count_all(using="default") == 0
    assert EmbeddingModel.objects.count() == 0


def test_it_is_made_every_hour() -> None:
    assert get_schedule("count-embeddings").words == "every hour"
