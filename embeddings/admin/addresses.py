"""Where the admin shows an entity."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import NoReverseMatch, reverse

from embeddings.registering.registry import registry


def address_of(obj: Model) -> str | None:
    """Its page in the default admin site, None where its model has none."""
    return _address(type(obj), obj.pk)


def address_of_entity(entity_type: str, entity_id: str) -> str | None:
    """The same by type and id, without asking whether there is such a row."""
    return _address(registry.get(entity_type).model, entity_id) if entity_type in registry else None


def _address(model: type[Model], key: Any) -> str | None:
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[quote(key)])
    except NoReverseMatch:
        return None
