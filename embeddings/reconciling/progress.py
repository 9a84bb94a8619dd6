"""How far a pass is, in a row of its own: whoever goes on begins where the last one ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F
from django.db.models.functions import Now

from embeddings.models import SyncProgress
from embeddings.reconciling.window import Window


def progress_of(entity_type: str, kind: str, *, using: str) -> SyncProgress:
    return SyncProgress.objects.using(using).get_or_create(entity_type=entity_type, kind=kind)[0]


def advance(progress: SyncProgress, window: Window) -> bool:
    """Writes that the window behind `progress` was looked at. False where another process was quicker: then it says so, not this one."""
    is_start = progress.position == ""
    rows = SyncProgress.objects.using(progress._state.db).filter(pk=progress.pk, position=progress.position)
    values: dict[str, Any] = {
        "position": "" if window.is_end else window.last,
        "checked": window.looked_at + (0 if is_start else F("checked")),
        "found": len(window.found) + (0 if is_start else F("found")),
    }
    if is_start:
        values["started_at"] = Now()
    if window.is_end:
        values["finished_at"] = Now()
    return bool(rows.update(**values))


def finish(progress: SyncProgress) -> None:
    """Writes that everything was looked at just now; a pass under way goes on undisturbed."""
    SyncProgress.objects.using(progress._state.db).filter(pk=progress.pk).update(finished_at=Now())


def restart(progress: SyncProgress) -> None:
    progress.position = ""
    progress.save(update_fields=["position"])


def was_begun_within(progress: SyncProgress, age: timedelta) -> bool:
    """By the database's clock."""
    return SyncProgress.objects.using(progress._state.db).filter(pk=progress.pk, started_at__gt=Now() - age).exists()
