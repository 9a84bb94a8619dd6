"""Rows that nothing captured, and the bulk jobs for them."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User

from embeddings import embeddings_disabled
from queues import Job, add_job
from tests.testapp.models import Note


def create_quietly(ann: User, count: int, title: str = "note") -> list[str]:
    with embeddings_disabled():
        notes = Note.objects.bulk_create([Note(author=ann, title=f"{title} {number}") for number in range(count)])
    return [str(note.pk) for note in notes]


def add_bulk(ann: User, ids: Sequence[str]) -> Job:
    return add_job("embeddings", "bulk-embed", {"user_id": ann.pk, "entity_type": "note", "entity_ids": list(ids)})
