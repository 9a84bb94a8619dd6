"""Everything on the coverage page, of all databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from embeddings.admin.addresses import address_of_entity
from embeddings.admin.coverage import TypeCoverage, read_coverage
from embeddings.admin.usage import Day, read_usage
from embeddings.conf import settings
from embeddings.exceptions import ProviderMisconfigured
from embeddings.models import EmbeddingModel
from embeddings.owing.parking import Parked, find_parked
from embeddings.providers.state import ProviderState
from queues.admin.charts import Chart, Series
from queues.admin.words import count_text

MOST_PARKED = 20


@dataclass(frozen=True, kw_only=True)
class ModelState:
    model: EmbeddingModel
    provider: ProviderState

    @property
    def words(self) -> str:
        words = {
            None: _("serving"),
            "unknown": _("unknown: Redis does not say"),
            "rate_limit": _("paused by its rate limit"),
            "outage": _("out of order"),
            "circuit": _("cut off: the circuit is open"),
        }
        return words[self.provider.kind]

    @property
    def retry_at(self) -> datetime | None:
        """Until then it is left alone; None where the next job asks it."""
        seconds = self.provider.retry_in_seconds
        return timezone.now() + timedelta(seconds=seconds) if seconds else None


@dataclass(frozen=True, kw_only=True)
class ParkedRow:
    row: Parked

    @property
    def name(self) -> str:
        if self.row.path:
            return _("%(type)s by %(path)s %(id)s") % {"type": self.row.entity_type, "path": self.row.path, "id": self.row.entity_id}
        return f"{self.row.entity_type} {self.row.entity_id}"

    @property
    def url(self) -> str | None:
        """The entity's own page; of what depends on a row there is none."""
        return None if self.row.path else address_of_entity(self.row.entity_type, self.row.entity_id)


@dataclass(frozen=True, kw_only=True)
class IndexPage:
    """The index of one database. `parked` are the latest, of entities and of fan-outs. `fault`: the settings name no model, and there
    is none, so that nothing can be told of types."""

    database: str
    types: Sequence[TypeCoverage]
    models: Sequence[ModelState]
    usage: Sequence[Day]
    parked: Sequence[ParkedRow]
    fault: str = ""

    @property
    def parked_types(self) -> list[str]:
        return sorted({parked.row.entity_type for parked in self.parked} | {row.entity_type for row in self.types if row.parked})

    @property
    def tokens(self) -> Chart:
        sums = {what: count_text(sum(getattr(day, what) for day in self.usage)) for what in ("tokens", "requests")}
        return Chart(
            id=f"chart-tokens-{self.database}",
            title=_("Tokens by day (UTC)"),
            starts=tuple(datetime.combine(day.day, time(), tzinfo=UTC) for day in self.usage),
            series=(Series(label=_("tokens"), values=tuple(day.tokens for day in self.usage)),),
            summary=_("The last %(days)d days: %(tokens)s tokens in %(requests)s requests.") % {"days": len(self.usage), **sums},
            nothing=_("Nothing was sent to a provider in this time."),
        )

    @property
    def counted_at(self) -> datetime | None:
        """The oldest of the counts that are shown; None before the first."""
        return min((row.counted_at for row in self.types if row.counted_at), default=None)

    @property
    def is_redis_away(self) -> bool:
        return any(state.provider.kind == "unknown" for state in self.models)


def read_page() -> list[IndexPage]:
    """One index for each of EMBEDDINGS_DATABASES. A Redis that is away costs the providers' states, and nothing else."""
    return [_read(using) for using in settings.databases]


def _read(using: str) -> IndexPage:
    types, fault = _types(using)
    models = {row.model.pk: row.model for row in types}
    return IndexPage(
        database=using,
        types=types,
        models=[ModelState(model=model, provider=model.provider_state) for model in models.values()],
        usage=read_usage(using),
        parked=[ParkedRow(row=row) for row in find_parked(using=using, most=MOST_PARKED)],
        fault=fault,
    )


def _types(using: str) -> tuple[list[TypeCoverage], str]:
    try:
        return read_coverage(using), ""
    except ProviderMisconfigured as error:
        return [], str(error)
