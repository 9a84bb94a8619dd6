"""What was sent to providers, by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Sum
from django.utils import timezone

from embeddings.models import EmbeddingUsage

DAYS = 14


@dataclass(frozen=True, kw_only=True)
class Day:
    """All models and owners together. A request for several owners counts for each of them."""

    day: date
    requests: int
    tokens: int


def read_usage(using: str) -> list[Day]:
    """The last fourteen days (UTC), oldest first, those without a request too."""
    today = timezone.now().date()
    days = [today - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1)]
    rows = EmbeddingUsage.objects.using(using).filter(day__gte=days[0]).values("day")
    sums = rows.annotate(requests_=Sum("requests"), tokens_=Sum("tokens")).order_by()
    found = {row["day"]: (row["requests_"], row["tokens_"]) for row in sums}
    return [Day(day=day, requests=requests, tokens=tokens) for day in days for requests, tokens in [found.get(day, (0, 0))]]
