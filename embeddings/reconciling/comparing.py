"""Comparing a whole entity type at once, from its first key to its last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from embeddings.models import EmbeddingModel
from embeddings.reconciling import contents, keys, orphans
from embeddings.reconciling.facts import facts_of
from embeddings.reconciling.mending import owe_found
from embeddings.reconciling.progress import advance, finish, progress_of, restart, was_begun_within
from embeddings.reconciling.report import TypeReport
from embeddings.reconciling.window import Window, windows
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.registry import registry

AT_ONCE = 250_000
"""Keys a statement: in fewer parts it would be quicker, but each holds its findings in memory."""
CONTENTS_WINDOW = 1_000
RESUMED_WITHIN = timedelta(days=1)

Progress = Callable[[str, int, int], object]
"""Called with the entity type, the rows whose content was compared so far, and all of them; first with those of an interrupted run."""


def count_type(entity_type: str, model: EmbeddingModel) -> TypeReport:
    """Counts what is right and wrong, one statement for the rows and one for the index. Writes nothing."""
    counts: Counter[str] = Counter()
    if entity_type in registry:
        counts = keys.count(registry.get(entity_type), model)
    orphaned = orphans.count(entity_type, model.database, model=model)["orphaned"]
    return report_of(entity_type, model, counts, orphaned, facts_of(entity_type, model))


def mend_type(embeddable: Embeddable, model: EmbeddingModel) -> TypeReport:
    """Counts as `count_type` does, and owes what is wrong."""
    entity_type = embeddable.entity_type
    facts = facts_of(entity_type, model)
    counts = _mend(embeddable, model, lambda after: keys.look(embeddable, model, after=after, limit=AT_ONCE, most=AT_ONCE))
    gone = _mend(
        embeddable,
        model,
        lambda after: orphans.look(entity_type, model.database, model=model, after=after, limit=AT_ONCE, most=AT_ONCE),
    )
    for kind in ("keys", "orphans"):
        finish(progress_of(entity_type, kind, using=model.database))
    return report_of(entity_type, model, counts, gone["orphaned"], facts)


def compare_contents(embeddable: Embeddable, model: EmbeddingModel, *, dry_run: bool, on_progress: Progress) -> Counter[str]:
    """Compares the content of every row, and unless `dry_run` owes those that differ. A comparison that was interrupted within a day
    goes on where it was. Returns how many are "right", "owed", "differing" or "failing"."""
    progress = None if dry_run else progress_of(embeddable.entity_type, "full", using=model.database)
    if progress and progress.position and not was_begun_within(progress, RESUMED_WITHIN):
        restart(progress)
    done, position = (progress.checked, progress.position) if progress and progress.position else (0, "")
    total = embeddable.queryset().using(model.database).count()
    counts: Counter[str] = Counter()
    on_progress(embeddable.entity_type, done, total)
    for window in windows(lambda after: contents.look(embeddable, model, after=after, limit=CONTENTS_WINDOW), position):
        if progress:
            owe_found(embeddable.entity_type, window.found, model)
            advance(progress, window)
            progress.refresh_from_db()
        counts += window.counts
        done += window.looked_at
        on_progress(embeddable.entity_type, done, total)
    return counts


def _mend(embeddable: Embeddable, model: EmbeddingModel, look: Callable[[str], Window]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for window in windows(look):
        owe_found(embeddable.entity_type, window.found, model)
        counts += window.counts
    return counts


def report_of(entity_type: str, model: EmbeddingModel, counts: Counter[str], orphaned: int, facts: dict[str, Any]) -> TypeReport:
    return TypeReport(
        entity_type=entity_type,
        database=model.database,
        model=str(model),
        is_active=model.status == EmbeddingModel.Status.ACTIVE,
        is_registered=entity_type in registry,
        rows=counts.total(),
        orphaned=orphaned,
        **{**facts, **{kind: counts[kind] for kind in (*keys.RIGHT, *keys.WRONG)}},
    )
