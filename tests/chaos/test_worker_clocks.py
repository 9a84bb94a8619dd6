"""A worker whose clock is wrong by an hour, in either direction, beside one whose clock is right."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from embeddings.models import DirtyEntity, Embedding, EmbeddingState
from tests.chaos.installation import Installation, assert_nothing_was_charged
from tests.chaos.truth import assert_index_is_right
from tests.processes import ROOT
from tests.testapp.models import Note

HOUR = 3600


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["fast", "slow"])
def test_a_worker_whose_clock_is_wrong_by_an_hour(home: Installation, ann: User, seconds: int) -> None:
    home.start_workers(1, CHAOS_CLOCK_SECONDS=str(seconds))
    notes = [Note.objects.create(author=ann, title=f"note {number}") for number in range(30)]
    home.wait_until_served()
    home.start_workers(2)
    for note in notes[:20]:
        note.title += " changed"
        note.save()
    notes[0].delete()
    home.redis.client.flushall()  # so that the sweep has to find some by their age
    for note in notes[20:]:
        note.title += " changed"
        note.save()
    home.wait_until_served()
    assert_index_is_right()
    assert Embedding.objects.count() == 29
    assert_nothing_was_charged()
    hour = timedelta(seconds=HOUR / 2)
    assert not EmbeddingState.objects.exclude(updated_at__range=(Now() - hour, Now() + hour)), "times are the database's"


@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["fast", "slow"])
def test_what_a_worker_with_a_wrong_clock_owes_is_swept_neither_at_once_nor_an_hour_late(
    home: Installation, ann: User, seconds: int
) -> None:
    """Its own saves, as of a job that writes rows: their age is told by the database."""
    script = (
        "import django; django.setup(); from datetime import UTC, datetime; print(datetime.now(UTC).timestamp());"
        f"from tests.testapp.models import Note; Note.objects.create(author_id={ann.pk}, title='from another time')"
    )
    environment = {**home.environment, "CHAOS_CLOCK_SECONDS": str(seconds)}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True, capture_output=True)
    assert not DirtyEntity.objects.overdue(timedelta(minutes=2))
    home.redis.client.flushall()
    home.start_workers()
    home.wait_until_served(timeout_seconds=20)
    assert_index_is_right()
