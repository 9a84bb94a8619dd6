"""Processes whose clocks are wrong by an hour, in either direction."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models.functions import Now

from embeddings.models import DirtyEntity, Embedding, EmbeddingState
from tests.chaos.installation import Installation, assert_nothing_was_charged
from tests.chaos.truth import assert_index_is_right
from tests.processes import ROOT
from tests.testapp.models import Note

HOUR = 3600


def test_workers_whose_clocks_are_wrong_by_an_hour_in_either_direction(home: Installation, ann: User) -> None:
    notes = [Note.objects.create(author=ann, title=f"note {number}") for number in range(30)]
    for seconds in (-HOUR, HOUR):
        home.start_workers(1, CHAOS_CLOCK_SECONDS=str(seconds))  # beside the one before, whose clock is two hours off it
        home.wait_until_served()
        for note in notes[:20]:
            note.title += " changed"
            note.save()
        home.redis.client.flushall()  # so that the sweep has to find some by their age
        for note in notes[20:]:
            note.title += " changed"
            note.save()
        home.wait_until_served()
        assert_index_is_right()
    assert Embedding.objects.count() == 30
    assert_nothing_was_charged()
    half_an_hour_about_now = Now() - timedelta(minutes=30), Now() + timedelta(minutes=30)
    assert not EmbeddingState.objects.exclude(updated_at__range=half_an_hour_about_now), "times are the database's"


def test_what_a_process_with_a_wrong_clock_saves_is_swept_as_any_other(home: Installation, ann: User) -> None:
    """Neither at once nor an hour late: the age of what is owed is told by the database."""
    script = (
        "import django; django.setup(); import time; from tests.testapp.models import Note;"
        f"Note.objects.create(author_id={ann.pk}, title='from another time'); print(time.time())"
    )
    for seconds in (HOUR, -HOUR):
        environment = {**home.environment, "CHAOS_CLOCK_SECONDS": str(seconds)}
        told = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, env=environment)
        assert abs(float(told) - time.time() - seconds) < 60, "its clock was right"
    assert DirtyEntity.objects.count() == 2
    assert not DirtyEntity.objects.overdue(timedelta(minutes=2))
    home.redis.client.flushall()
    home.start_workers()
    home.wait_until_served(timeout_seconds=20)
    assert_index_is_right()
    assert Embedding.objects.count() == 2
