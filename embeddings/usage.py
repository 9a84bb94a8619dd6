"""What requests cost, by day, provider, model and owner. A failure to record it is logged, and fails nothing else."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from django.db import Error, transaction
from django.db.transaction import get_connection

from embeddings.registering.embeddable import owner_text

if TYPE_CHECKING:
    from embeddings.providers import Provider

log = logging.getLogger("embeddings")

# Sorted, so that two workers with the same owners do not deadlock. The day is the database's, in UTC.
ADD = """
INSERT INTO embeddings_embeddingusage AS usage (day, provider, model, owner_id, requests, tokens)
SELECT (now() AT TIME ZONE 'UTC')::date, %s, %s, owner_id, requests, tokens
FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS added (owner_id, requests, tokens)
ORDER BY owner_id
ON CONFLICT (day, provider, model, owner_id) DO UPDATE SET
    requests = usage.requests + excluded.requests, tokens = usage.tokens + excluded.tokens
"""


@dataclass(frozen=True, kw_only=True)
class PaidRequest:
    """One that was answered: the indices of its texts, none where it only asked whether the provider serves, their estimated
    tokens, and the tokens that it cost by the provider's own count."""

    texts: Sequence[int] = ()
    estimates: Sequence[int] = ()
    tokens: int


def record_usage(requests: Iterable[PaidRequest], owners: Sequence[Any], provider: Provider, *, using: str) -> None:
    """Adds the requests to the day's usage of the owners of their texts; `owners[i]` is that of text i.

    In a transaction of its own, unless the caller has one. What only asked whether the provider serves is nobody's: owner "".
    """
    counts: dict[str, int] = defaultdict(int)
    tokens: dict[str, int] = defaultdict(int)
    for request in requests:
        weights: dict[str, int] = defaultdict(int)
        for index, estimate in zip(request.texts, request.estimates, strict=True):
            weights[_owner(owners[index])] += estimate
        for owner, share in divide(request.tokens, weights or {"": 1}).items():
            counts[owner] += 1
            tokens[owner] += share
    if counts:
        _add({owner: (counts[owner], tokens[owner]) for owner in sorted(counts)}, provider, using)


def record_query(tokens: int, owner: Any, provider: Provider, *, using: str) -> None:
    """Adds a search to its owner's usage, after the commit of a transaction that may be open: nobody waits for the row meanwhile."""
    transaction.on_commit(lambda: _add({_owner(owner): (1, tokens)}, provider, using), using=using, robust=True)


def divide(tokens: int, weights: Mapping[str, int]) -> dict[str, int]:
    """`tokens` in shares by weight, whose sum is `tokens` exactly."""
    total = sum(weights.values()) or 1
    borders = [tokens * weight // total for weight in accumulate(weights.values())]
    return {owner: border - before for owner, border, before in zip(weights, borders, [0, *borders], strict=False)}


def _add(amounts: Mapping[str, tuple[int, int]], provider: Provider, using: str) -> None:
    columns = [list(amounts), [requests for requests, _ in amounts.values()], [tokens for _, tokens in amounts.values()]]
    try:
        with _protected(using), get_connection(using).cursor() as cursor:
            cursor.execute(ADD, [provider.name, provider.model, *columns])
    except Error as error:
        log.warning("The usage of %s could not be recorded: %s", provider.model, error)


def _protected(using: str) -> AbstractContextManager[None]:
    """A savepoint in the caller's transaction; one statement alone is a transaction by itself."""
    return transaction.atomic(using=using) if get_connection(using).in_atomic_block else nullcontext()


def _owner(owner: Any) -> str:
    return owner_text(owner)[:255]
