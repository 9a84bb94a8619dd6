"""A backfill of theo's entities since a day: each tells when it changed."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from embeddings import embeddings_disabled
from embeddings.models import Embedding
from theo.context.models import Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("since", ["2026-03-01", "2026-03-01T00:00", "2026-03-01T00:00:00Z"])
def test_only_what_changed_since_is_embedded(user: User, since: str) -> None:
    with embeddings_disabled():
        old, new = [Person.objects.create(user=user, name=name) for name in ("Old", "New")]
    Person.objects.filter(pk=old.pk).update(updated_at=datetime(2026, 3, 1, tzinfo=UTC) - timedelta(days=1))
    Person.objects.filter(pk=new.pk).update(updated_at=timezone.make_aware(datetime(2026, 3, 1, 12)))
    call_command("embeddings_backfill", "--here", "--type", "person", "--since", since, stdout=StringIO())
    assert [row.entity_id for row in Embedding.objects.all()] == [str(new.pk)]
