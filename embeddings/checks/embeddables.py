"""Whether the paths and fields that embeddables name are there."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register

from embeddings.registering.embeddable import Embeddable
from embeddings.registering.path_checks import find_path_mistakes
from embeddings.registering.registry import registry


@register("embeddings")
def check_embeddables(**_: Any) -> list[CheckMessage]:
    return [message for embeddable in registry for message in _check_embeddable(embeddable)]


def _check_embeddable(embeddable: Embeddable) -> list[CheckMessage]:
    name = type(embeddable).__qualname__
    hint = f"Mend it where {embeddable.model._meta.label} is registered, mostly {embeddable.model._meta.app_label}/embeddables.py."
    return [Error(f"{name}: {mistake}.", hint=hint, id="embeddings.E002") for mistake in find_path_mistakes(embeddable)]
