"""The reconciler: a bounded look at every tick, or at everything at once."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from embeddings.models import EmbeddingModel
from embeddings.reconciling import contents, keys, orphans
from embeddings.reconciling.comparing import CONTENTS_WINDOW, Progress, compare_contents, count_type, mend_type
from embeddings.reconciling.mending import owe_found
from embeddings.reconciling.progress import advance, progress_of
from embeddings.reconciling.report import TypeReport
from embeddings.reconciling.sweep import MOST, sweep
from embeddings.reconciling.window import Window
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.registry import registry

KEYS_WINDOW = 50_000

log = logging.getLogger("embeddings")


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One way of comparing, that goes through all entities of a type in windows, over and over."""

    kind: str
    look: Callable[[Embeddable, EmbeddingModel, str], Window]


PASSES = (
    Pass(kind="keys", look=lambda embeddable, model, after: keys.look(embeddable, model, after=after, limit=KEYS_WINDOW, most=MOST + 1)),
    Pass(
        kind="orphans",
        look=lambda embeddable, model, after: orphans.look(
            embeddable.entity_type, model.database, model=model, after=after, limit=KEYS_WINDOW, most=MOST + 1
        ),
    ),
    Pass(kind="contents", look=lambda embeddable, model, after: contents.look(embeddable, model, after=after, limit=CONTENTS_WINDOW)),
)


def tick(*, using: str = "default", most: int = MOST) -> int:
    """What a minute does: lost jobs are enqueued again, and each pass over each entity type looks at its next window.

    At most `most` entities are enqueued; what was not reached waits for the next tick. A pass that fails is logged and stops no other.
    Two ticks at once enqueue the same work twice, which costs a look. Returns how many were enqueued.
    """
    enqueued = sweep(using=using, most=most)
    model = EmbeddingModel.objects.using(using).active()
    steps = [(one, embeddable) for one in PASSES for embeddable in registry]
    random.shuffle(steps)  # so that the many findings of one do not keep the others waiting for ever
    for one, embeddable in steps:
        if enqueued >= most:
            break
        try:
            enqueued += _step(one, embeddable, model, most - enqueued)
        except Exception:
            log.exception("The comparison of %s of %s failed and goes on at the next tick", one.kind, embeddable.entity_type)
    return enqueued


def _step(one: Pass, embeddable: Embeddable, model: EmbeddingModel, most: int) -> int:
    progress = progress_of(embeddable.entity_type, one.kind, using=model.database)
    window = one.look(embeddable, model, progress.position).cut(most)
    count = owe_found(embeddable.entity_type, window.found, model)
    advance(progress, window)
    return count


def reconcile(
    *,
    using: str = "default",
    dry_run: bool = False,
    full: bool = False,
    entity_types: Collection[str] | None = None,
    on_progress: Progress = lambda entity_type, done, total: None,
) -> list[TypeReport]:
    """Compares all keys at once, with `full` all contents too; unless `dry_run`, what is wrong is owed and enqueued.

    The reports say what was found, before it was owed. Raises NotRegistered, and ProviderError where `full` has no provider.
    """
    model = EmbeddingModel.objects.using(using).active()
    chosen = list(registry) if entity_types is None else [registry.get(entity_type) for entity_type in entity_types]
    reports: list[TypeReport] = []
    for embeddable in chosen:
        report = count_type(embeddable.entity_type, model) if dry_run else mend_type(embeddable, model)
        if full:
            counts = compare_contents(embeddable, model, dry_run=dry_run, on_progress=on_progress)
            report = replace(report, differing=counts["differing"], failing=counts["failing"])
        reports.append(report)
    return reports
