"""The classes under which saves of one model are announced."""

from __future__ import annotations

from django.apps import apps
from django.db.models import Model

from embeddings.registering.paths import concrete


def family(model: type[Model]) -> list[type[Model]]:
    """The model, its proxies and its children: a save of any of them is a save of it, and is announced under its own class only."""
    return [candidate for candidate in apps.get_models() if issubclass(candidate, concrete(model))]
