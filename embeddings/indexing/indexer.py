"""index(): serves dirty entities. No transaction is open while the provider is asked."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import DataError

from embeddings.capture.changes import Entity, owe
from embeddings.indexing.batches import Answers, embed, group_plans
from embeddings.indexing.plans import Plan, load_rows, make_plan
from embeddings.indexing.storage import store
from embeddings.models import DirtyEntity, EmbeddingModel, EmbeddingState
from embeddings.providers import Provider
from embeddings.usage import record_usage

log = logging.getLogger("embeddings")

PROVIDER_SECONDS = 120.0
"""For all requests of one call; well within the job's timeout, so that a slow provider is never an entity's failure."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An entity's own error, at the version that was tried."""

    error: Exception
    version: int


Failures = dict[Entity, Failure]


def index(entities: Iterable[Entity], *, using: str = "default") -> Failures:
    """Brings the entities' vectors into step with their rows. Returns the failures that are an entity's own.

    An entity that is clean, and has a state, costs a look. Raises ProviderError where the provider serves nobody;
    then what did not need it is stored all the same.
    """
    wanted = sorted(set(entities))
    model = EmbeddingModel.objects.using(using).active()
    provider = model.get_provider()
    versions = _versions(wanted, model)
    plans, failures = _plan(versions, model, provider)
    paid = [plan for plan in plans if plan.chunks]
    paid += _store_free([plan for plan in plans if not plan.chunks], model, provider, failures)
    deadline = time.monotonic() + PROVIDER_SECONDS
    for group in group_plans(paid, provider):
        answers = Answers(sum(len(plan.chunks) for plan in group))
        try:
            embed([chunk for plan in group for chunk in plan.chunks], provider, deadline=deadline, answers=answers)
        finally:  # at once: what was paid for is counted and kept, whatever comes next
            record_usage(answers.requests, [plan.owner_id for plan in group for _ in plan.chunks], provider, using=using)
            failures |= _take(group, answers, provider)
            _store([plan for plan in group if plan.vectors], model, failures)
    return failures


def _store_free(plans: list[Plan], model: EmbeddingModel, provider: Provider, failures: Failures) -> list[Plan]:
    """Stores plans that need no provider. Returns those that turned out to need it: another worker stored something else meanwhile."""
    taken = _store(plans, model, failures)
    overtaken = {plan.entity: plan.version for plan in plans if plan.is_unchanged and plan.entity not in taken}
    if not overtaken:
        return []
    again, errors = _plan(overtaken, model, provider)
    failures |= errors
    _store([plan for plan in again if not plan.chunks], model, failures)
    return [plan for plan in again if plan.chunks]


def _store(plans: list[Plan], model: EmbeddingModel, failures: Failures) -> set[Entity]:
    """Stores the plans; values that the database refuses are halved down to the entity to blame, which fails alone."""
    try:
        return store(plans, model)
    except (DataError, UnicodeError) as error:
        if len(plans) == 1:
            failures[plans[0].entity] = Failure(error=error, version=plans[0].version)
            return set()
    middle = len(plans) // 2
    return _store(plans[:middle], model, failures) | _store(plans[middle:], model, failures)


def _versions(wanted: list[Entity], model: EmbeddingModel) -> dict[Entity, int]:
    """The version to reach, of those entities that are owed work."""
    dirty = _read_versions(wanted, model.database)
    missing = [entity for entity in wanted if entity not in dirty]
    known = _states(missing, model)
    unknown = [entity for entity in missing if entity not in known]
    if unknown:  # asked for by hand: owe the work first, so that no failure loses it
        dirty |= owe(unknown, using=model.database)
    return dirty


def _read_versions(entities: list[Entity], using: str) -> dict[Entity, int]:
    rows = DirtyEntity.objects.using(using).filter(
        entity_type__in={entity[0] for entity in entities}, entity_id__in=[entity[1] for entity in entities]
    )
    found = {
        (entity_type, entity_id): version for entity_type, entity_id, version in rows.values_list("entity_type", "entity_id", "version")
    }
    return {entity: found[entity] for entity in entities if entity in found}


def _states(entities: list[Entity], model: EmbeddingModel) -> dict[Entity, EmbeddingState]:
    types, ids = {entity[0] for entity in entities}, [entity[1] for entity in entities]
    rows = EmbeddingState.objects.using(model.database).filter(entity_type__in=types, entity_id__in=ids, model=model)
    return {(state.entity_type, state.entity_id): state for state in rows}


def _plan(versions: dict[Entity, int], model: EmbeddingModel, provider: Provider) -> tuple[list[Plan], Failures]:
    """Versions were read before the rows: a row may be newer than its version, never older."""
    states = _states(list(versions), model)
    rows = load_rows(versions, using=model.database)
    plans: list[Plan] = []
    failures: Failures = {}
    for entity, version in versions.items():
        try:
            plans.append(make_plan(entity, version, rows.get(entity), model=model, provider=provider, state=states.get(entity)))
        except Exception as error:
            log.warning("The content of %s %s could not be built: %s", *entity, error)
            failures[entity] = Failure(error=error, version=version)
    return plans, failures


def _take(plans: list[Plan], answers: Answers, provider: Provider) -> Failures:
    """Gives the plans their vectors, if all of them were answered. A text's own error is its entity's; the others go on."""
    failures: Failures = {}
    start = 0
    for plan in plans:
        part = slice(start, start + len(plan.chunks))
        start = part.stop
        error = next((error for error in answers.errors[part] if error is not None), None)
        vectors = [vector for vector in answers.vectors[part] if vector is not None]
        if error is not None:
            failures[plan.entity] = Failure(error=error, version=plan.version)
        elif len(vectors) == len(plan.chunks):
            plan.vectors = vectors
            plan.tokens = sum(provider.estimate_tokens(chunk) for chunk in plan.chunks)
    return failures
