"""Who may do what on the pages of the index: permissions of the model Coverage."""

from __future__ import annotations

from queues.permissions import extend_groups

VIEW = "embeddings.view_coverage"
"""See how complete the index is, the state of single entities, and search as oneself."""
CHANGE = "embeddings.change_coverage"
"""Count, embed again, retry what is parked, let a provider be tried now."""
SEARCH_AS_USER = "embeddings.search_as_user"
"""Search as somebody else, and so read what is theirs. In no group that ships: it is given by name."""


def join_groups() -> None:
    """Whoever may see or steer the queues may see or steer the index that they feed."""
    extend_groups(viewers=(VIEW,), operators=(VIEW, CHANGE))
