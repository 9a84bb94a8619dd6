"""index(): serves dirty entities. No transaction is open while the provider is asked."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from embeddings.exceptions import OutOfTime
from embeddings.indexing.asking import Answers
from embeddings.indexing.batches import group_plans
from embeddings.indexing.failures import Failure, Failures, record_failures
from embeddings.indexing.plans import Plan, load_rows, make_plan
from embeddings.indexing.requests import ask
from embeddings.indexing.reuse import reuse
from embeddings.indexing.storage import store
from embeddings.indexing.trouble import await_tables, is_trouble, serves_nobody
from embeddings.models import EmbeddingModel, EmbeddingState
from embeddings.owing.changes import Entity
from embeddings.owing.dirty import read_versions
from embeddings.owing.giving_way import owe_politely
from embeddings.usage import record_usage

log = logging.getLogger("embeddings")

PROVIDER_SECONDS = 120.0
"""For all requests of one call; well within the job's timeout, so that a slow provider is never an entity's failure."""


def index(
    entities: Iterable[Entity], *, using: str = "default", look: Collection[Entity] = (), failures: Failures | None = None
) -> Failures:
    """Brings the entities' vectors into step with their rows. Returns the failures that are an entity's own; they are recorded.

    An entity that is clean, and has a state, costs a look at that; one of `look` is compared with its row all the same.
    Raises ProviderError where the provider serves nobody; then what did not need it is stored all the same, and `failures`, if
    given, holds those that had failed by themselves before.
    """
    wanted = sorted(set(entities))
    await_tables({entity_type for entity_type, _ in wanted}, using=using)
    indexer = Indexer(using=using, failures=failures)
    groups = indexer.prepare(indexer.versions(wanted, look=look))
    for group, answers in ask(groups, indexer.provider, deadline=time.monotonic() + PROVIDER_SECONDS):
        indexer.take(group, answers)
    return indexer.failures


class Indexer:
    """Serves entities of one database with its active model. `failures` are the entities' own, `served` counts all that were decided."""

    def __init__(self, *, using: str, failures: Failures | None = None) -> None:
        self.using = using
        self.model = EmbeddingModel.objects.using(using).active()
        self.provider = self.model.get_provider()
        self.failures: Failures = {} if failures is None else failures
        self.served = 0

    def versions(self, wanted: list[Entity], *, look: Collection[Entity] = ()) -> dict[Entity, int]:
        """The version to reach, of those entities that are owed work."""
        versions = read_versions(wanted, using=self.using)
        missing = [entity for entity in wanted if entity not in versions]
        states = self._states(missing)
        known = {entity for entity, state in states.items() if state.status != EmbeddingState.Status.FAILED}
        unknown = [entity for entity in missing if entity not in known or entity in look]
        if unknown:  # asked for by hand: owe the work first, so that no failure loses it
            versions |= owe_politely(unknown, using=self.using)
        return versions

    def prepare(self, versions: Mapping[Entity, int]) -> Iterator[list[Plan]]:
        """Stores what needs no provider at once. Gives the plans that need it in groups that fill a request each, those that need
        several requests last: however long these take, the others are not kept waiting."""
        plans = self._plan(versions)
        paid = [plan for plan in plans if plan.wanted]
        paid += self._store_free([plan for plan in plans if not plan.wanted])
        self.served += len(versions) - len(paid)
        paid.sort(key=lambda plan: len(plan.wanted) > self.provider.max_inputs or plan.tokens > self.provider.max_tokens)
        return group_plans(paid, self.provider)

    def take(self, group: Sequence[Plan], answers: Answers) -> None:
        """Stores what a group's requests brought, at once, as it was paid for. A text's own error is its entity's; the others go on."""
        wanted = [(plan, plan.wanted) for plan in group]
        record_usage(answers.requests, [plan.owner_id for plan, texts in wanted for _ in texts], self.provider, using=self.using)
        answered: list[Plan] = []
        start = 0
        for plan, texts in wanted:
            part = slice(start, start + len(texts))
            start = part.stop
            vectors = [vector for vector in answers.vectors[part] if vector is not None]
            if error := next((error for error in answers.errors[part] if error is not None), None):
                self._fail({plan.entity: Failure(error=error, version=plan.version)})
            elif len(vectors) == len(texts):
                plan.vectors |= dict(zip(texts, vectors, strict=True))
                answered.append(plan)
            elif answers.is_out_of_time and len(group) == 1:
                too_much = OutOfTime(f"Of its {len(texts)} chunks only {len(vectors)} were embedded in the time of one job.")
                self._fail({plan.entity: Failure(error=too_much, version=plan.version)})
        self._store(answered)
        self.served += len(group)

    def _fail(self, failures: Failures) -> None:
        record_failures(failures, self.model)
        self.failures |= failures

    def _store_free(self, plans: list[Plan]) -> list[Plan]:
        """Stores plans that need no provider. Returns those that turned out to need it: another worker stored something else meanwhile."""
        taken = self._store(plans)
        overtaken = {plan.entity: plan.version for plan in plans if plan.is_unchanged and plan.entity not in taken}
        if not overtaken:
            return []
        again = self._plan(overtaken)
        self._store([plan for plan in again if not plan.wanted])
        return [plan for plan in again if plan.wanted]

    def _store(self, plans: list[Plan]) -> set[Entity]:
        """Stores the plans; values that the database refuses are halved down to the entity to blame, which fails alone."""
        try:
            return store(plans, self.model)
        except Exception as error:
            if is_trouble(error):
                raise
            if len(plans) == 1:
                self._fail({plans[0].entity: Failure(error=error, version=plans[0].version)})
                return set()
        return set().union(*(self._store(half) for half in halves(plans)))

    def _plan(self, versions: Mapping[Entity, int]) -> list[Plan]:
        """Versions were read before the rows: a row may be newer than its version, never older."""
        states = self._states(list(versions))
        rows, failures = self._load(list(versions), versions)
        plans: list[Plan] = []
        for entity, version in versions.items():
            if entity in failures:
                continue
            try:
                row, state = rows.get(entity), states.get(entity)
                plans.append(make_plan(entity, version, row, model=self.model, provider=self.provider, state=state))
            except Exception as error:
                if serves_nobody(error, using=self.using):
                    raise
                log.warning("The content of %s %s could not be built: %s", *entity, error)
                failures[entity] = Failure(error=error, version=version)
        self._fail(failures)
        reuse(plans, self.model)
        return plans

    def _load(self, entities: list[Entity], versions: Mapping[Entity, int]) -> tuple[dict[Entity, Any], Failures]:
        """The rows; where a queryset fails, it is halved down to the entity to blame."""
        try:
            return load_rows(entities, using=self.using), {}
        except Exception as error:
            if serves_nobody(error, using=self.using):
                raise
            if len(entities) == 1:
                return {}, {entities[0]: Failure(error=error, version=versions[entities[0]])}
        (rows, failures), (others, more) = (self._load(half, versions) for half in halves(entities))
        return rows | others, failures | more

    def _states(self, entities: list[Entity]) -> dict[Entity, EmbeddingState]:
        types, ids = {entity[0] for entity in entities}, [entity[1] for entity in entities]
        rows = EmbeddingState.objects.using(self.using).filter(entity_type__in=types, entity_id__in=ids, model=self.model)
        return {(state.entity_type, state.entity_id): state for state in rows}


def halves(items: list[Any]) -> tuple[list[Any], list[Any]]:
    return items[: len(items) // 2], items[len(items) // 2 :]
