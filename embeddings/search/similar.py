"""What is similar to an entity, by its own stored vectors: no provider is asked."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import router
from django.db.models import Model

from embeddings.conf import settings
from embeddings.exceptions import InvalidSearch
from embeddings.models import Embedding, EmbeddingModel
from embeddings.registering.registry import registry
from embeddings.search.request import check_user, make_request
from embeddings.search.result import SearchResult
from embeddings.search.retrieval import alive, retrieve

ITS_VECTORS = "SELECT embedding FROM embeddings_embedding WHERE user_id = %s AND model_id = %s AND entity_type = %s AND entity_id = %s"


def find_similar(
    obj: Model,
    *,
    limit: int = 10,
    entity_types: Collection[str] | None = None,
    min_similarity: float | None = None,
    user: Any = None,
    using: str | None = None,
) -> list[SearchResult]:
    """What the owner of `obj` owns besides that is most similar to it, best first, each entity once; of several chunks on either
    side, the nearest two count.

    Nothing for an entity that is not indexed (yet), hidden, gone or without an owner. `user`, if given, must be the owner: so a view
    that forgets to ask whose entity it shows, shows nothing. `limit`, `entity_types`, `min_similarity` as for `search`; `using` is
    the entity's own database by default.
    Raises InvalidSearch, and NotRegistered for a model that has no embeddable, or an unknown entity type.
    """
    embeddable = registry.get_by_model(type(obj))
    if obj.pk is None:
        raise InvalidSearch(f"This {obj._meta.verbose_name} was never saved, so nothing can be similar to it.")
    owner_id = embeddable.owner_id(obj)
    if user is not None:
        check_user(user)
        if str(user.pk) != str(owner_id):
            raise InvalidSearch(f"This {obj._meta.verbose_name} does not belong to the user who asks.")
    model = EmbeddingModel.objects.using(using or _database(obj)).active()
    request = make_request(owner_id, model, entity_types=entity_types, limit=limit, min_similarity=min_similarity)
    if owner_id is None or not alive(embeddable.entity_type, [obj.pk], owner_id, model.database):
        return []
    entity = (embeddable.entity_type, str(obj.pk))
    return retrieve(request, ITS_VECTORS, [owner_id, model.pk, *entity], besides=entity)


def _database(obj: Model) -> str:
    """The entity's own, unless it came from another alias, such as a replica's."""
    alias = obj._state.db
    return alias if alias in settings.databases else router.db_for_read(Embedding)
