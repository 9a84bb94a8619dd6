"""Relations by path, as in a filter: "shelf__room", "comments"."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model


def fields_on(model: type[Model], path: str) -> list[Any]:
    """The fields, forward and reverse, that the path goes along. Raises FieldDoesNotExist, also where a step on the way is no relation."""
    found: list[Any] = []
    step: Any = model
    for name in path.split("__"):
        if step is None:
            raise FieldDoesNotExist(f"{found[-1].name!r} is no relation.")
        field = step._meta.get_field(name)
        found.append(field)
        step = field.related_model
    return found


def find_field(model: type[Model], name: str) -> Any:
    """The model's field of this name, or None."""
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def is_single(model: type[Model], path: str) -> bool:
    """Whether the path leads to one row at most, so that it can be joined. Raises FieldDoesNotExist."""
    return all(field.many_to_one or field.one_to_one for field in fields_on(model, path))


def attribute_path(model: type[Model], path: str) -> str:
    """The path by the attributes of instances, as prefetch_related wants it. Raises FieldDoesNotExist."""
    return "__".join(
        field.get_accessor_name() if field.auto_created and not field.concrete else field.name for field in fields_on(model, path)
    )


def concrete(model: type[Model]) -> type[Model]:
    """The model whose table holds the rows: of a proxy, the one that it stands for."""
    return model._meta.concrete_model or model
