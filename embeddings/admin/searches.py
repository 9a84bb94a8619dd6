"""A search as the page runs it: the same that users get, with what an operator wants to know of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from embeddings.admin.addresses import address_of
from embeddings.admin.forms import SearchForm
from embeddings.conf import settings
from embeddings.exceptions import InvalidSearch, ProviderError
from embeddings.models import EmbeddingModel
from embeddings.search.result import SearchResult
from embeddings.search.semantic import search
from embeddings.search.unembedded import count_unembedded


@dataclass(frozen=True, kw_only=True)
class Hit:
    result: SearchResult
    url: str | None

    @property
    def percent(self) -> int:
        """For a bar: of the way from 0 to 1."""
        return round(max(0.0, min(1.0, self.result.similarity)) * 100)


@dataclass(frozen=True, kw_only=True)
class Search:
    """`error` is why the provider gave nothing; `tokens` are estimated as a request's are; `unembedded` are counted where
    nothing was found."""

    user: Any
    seconds: float
    model: EmbeddingModel | None = None
    min_similarity: float = 0.0
    hits: Sequence[Hit] = field(default_factory=list)
    tokens: int = 0
    unembedded: int = 0
    error: str = ""


def run_search(form: SearchForm) -> Search | None:
    """Of a valid form. None where it cannot be searched for: then the form says why."""
    asked, start = form.cleaned_data, time.perf_counter()
    types = asked["entity_types"] or None
    using = asked.get("database") or settings.databases[0]
    options = {name: asked[name] for name in ("limit", "min_similarity")}
    try:
        results = search(asked["user"], asked["query"], entity_types=types, using=using, **options)
        seconds = time.perf_counter() - start
        model = EmbeddingModel.objects.using(using).active()
        tokens = model.get_provider().estimate_tokens(asked["query"])
    except InvalidSearch as error:
        form.add_error("query", str(error))
        return None
    except ProviderError as error:
        return Search(user=asked["user"], seconds=time.perf_counter() - start, error=str(error))
    return Search(
        user=asked["user"],
        seconds=seconds,
        model=model,
        min_similarity=model.min_similarity if asked["min_similarity"] is None else asked["min_similarity"],
        hits=[Hit(result=result, url=address_of(result.entity)) for result in results],
        tokens=tokens,
        unembedded=0 if results else count_unembedded(asked["user"], entity_types=types, using=using),
    )
