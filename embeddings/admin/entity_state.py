"""What is known of the embedding of one entity."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.utils.translation import gettext as _

from embeddings.indexing.plans import recipe_of
from embeddings.models import DirtyEntity, EmbeddingModel, EmbeddingState
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.registry import registry


@dataclass(frozen=True, kw_only=True)
class EntityState:
    """`state` is the last result in the active model, `owed` the change that the index has not reached yet. `refusal` says why the
    row, as it is now, is rightly not embedded."""

    entity_type: str
    entity_id: str
    model: EmbeddingModel | None
    state: EmbeddingState | None
    owed: DirtyEntity | None
    refusal: str = ""
    is_stale: bool = False

    @property
    def is_parked(self) -> bool:
        return self.owed is not None and bool(self.owed.parked_reason)

    @property
    def is_embedded(self) -> bool:
        return self.state is not None and self.state.status == EmbeddingState.Status.EMBEDDED

    @property
    def words(self) -> str:
        """In a few words, what matters most first."""
        if self.is_parked:
            return _("parked")
        if self.owed:
            return _("pending")
        if self.refusal:
            return self.refusal
        if self.state is None or self.state.status == EmbeddingState.Status.REMOVED:
            return _("missing: no worker has looked at it as it is now")
        if self.is_stale:
            return _("stale: stored by another recipe")
        words = {
            EmbeddingState.Status.EMBEDDED: _("embedded"),
            EmbeddingState.Status.EMPTY: _("not embedded: its content is empty"),
            EmbeddingState.Status.FAILED: _("failed"),
        }
        return words[EmbeddingState.Status(self.state.status)]


def read_state(obj: Model) -> EntityState:
    """Raises NotRegistered. Makes no model, and asks no provider."""
    embeddable = registry.get_by_model(type(obj))
    using = obj._state.db or DEFAULT_DB_ALIAS
    model = EmbeddingModel.objects.using(using).filter(status=EmbeddingModel.Status.ACTIVE).first()
    entity = {"entity_type": embeddable.entity_type, "entity_id": str(obj.pk)}
    state = EmbeddingState.objects.using(using).filter(**entity, model=model).first() if model else None
    owed = DirtyEntity.objects.using(using).filter(**entity).first()
    return EntityState(
        **entity,
        model=model,
        state=state,
        owed=owed,
        refusal=_refusal(embeddable, obj),
        is_stale=bool(model and state and state.recipe and state.recipe != recipe_of(embeddable, model)),
    )


def _refusal(embeddable: Embeddable, obj: Model) -> str:
    if embeddable.owner_id(obj) is None:
        return _("not embedded: it has no owner")
    return "" if embeddable.is_wanted(obj) else _("not embedded: should_embed says no")
