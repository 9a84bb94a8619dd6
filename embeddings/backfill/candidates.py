"""What has to be embedded: what the reconciler finds wrong by keys, what is owed, and what only the row can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from embeddings.backfill.selection import Selection, Target, keys_in_parts
from embeddings.models import DirtyEntity
from embeddings.owing.changes import PART
from embeddings.reconciling import keys
from embeddings.reconciling.mending import WITHOUT_THEIR_VECTORS
from embeddings.reconciling.window import Finding, Kind, windows

UNSEEN = ("missing", "wrong_model", "excluded")
"""Without vectors so far: only the row can tell whether it should have some."""
KINDS: tuple[Kind, ...] = (*keys.WRONG, "owed", "excluded")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An entity to be embedded. `is_owed`: a job for it is on its way, and it needs no other. `is_trusted`: stored vectors may count
    for equal content; not where all is embedded again, or where some of them vanished."""

    entity_id: str
    owner_id: str
    is_owed: bool = False
    is_trusted: bool = True


def candidates(target: Target, selection: Selection, *, force: bool = False) -> Iterator[list[Candidate]]:
    """The selected rows that are missing or stale, all of them with `force`. A part for every thousand rows, maybe empty."""
    rows = selection.rows(target)
    if force:
        for part in keys_in_parts(rows, target.embeddable):
            yield [Candidate(entity_id=str(pk), owner_id=owner, is_trusted=False) for pk, owner in part]
        return
    for window in windows(
        lambda after: keys.look(target.embeddable, target.model, after=after, limit=PART, most=PART, kinds=KINDS, rows=rows)
    ):
        yield _chosen(target, window.found)


def _chosen(target: Target, found: Sequence[Finding]) -> list[Candidate]:
    parked = _parked(target, [finding.entity_id for finding in found if finding.kind == "owed"])
    unseen = [finding for finding in found if finding.kind in UNSEEN]
    wanted = _wanted(target, [finding.entity_id for finding in unseen if finding.owner_id])
    return [
        Candidate(
            entity_id=finding.entity_id,
            owner_id=finding.owner_id,
            is_owed=finding.kind == "owed" and finding.entity_id not in parked,
            is_trusted=finding.kind not in WITHOUT_THEIR_VECTORS,
        )
        for finding in found
        if finding.kind not in UNSEEN or finding.entity_id in wanted
    ]


def _parked(target: Target, ids: Sequence[str]) -> set[str]:
    """Those of what is owed that only a new start serves. The others are on their way, or served since they were looked at."""
    rows = DirtyEntity.objects.using(target.using).parked().filter(entity_type=target.entity_type, entity_id__in=ids)
    return set(rows.values_list("entity_id", flat=True))


def _wanted(target: Target, ids: Sequence[str]) -> set[str]:
    rows = target.embeddable.queryset().using(target.using).filter(pk__in=ids)
    return {str(row.pk) for row in rows if target.embeddable.is_wanted(row)}
