"""What the search page shows of a result."""

from dataclasses import dataclass

from django.contrib.admin.utils import quote
from django.urls import reverse

from embeddings import SearchResult


@dataclass(frozen=True, kw_only=True)
class Hit:
    title: str
    kind: str
    content: str
    similarity: float
    admin_url: str


def build_hits(user, results: list[SearchResult]) -> list[Hit]:
    return [
        Hit(
            title=str(result.entity),
            kind=result.entity_type,
            content=result.content,
            similarity=result.similarity,
            admin_url=_admin_url(user, result.entity),
        )
        for result in results
    ]


def _admin_url(user, entity) -> str:
    """Where the entity is edited, for those who may see it there; empty for everybody else."""
    options = entity._meta
    if not (user.is_staff and user.has_perm(f"{options.app_label}.view_{options.model_name}")):
        return ""
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[quote(entity.pk)])
