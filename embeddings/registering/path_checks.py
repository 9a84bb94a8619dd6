"""Whether an embeddable's model has keys that can be kept, and its paths and field names lead where they must."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import CharField, IntegerField, UUIDField

from embeddings.registering.embeddable import Embeddable
from embeddings.registering.paths import fields_on, find_field

MAX_KEY_LENGTH = 255


def find_path_mistakes(embeddable: Embeddable) -> Iterator[str]:
    """What is wrong, a sentence each."""
    yield from _key(embeddable)
    yield from _owner(embeddable)
    yield from _fields(embeddable)
    yield from _depends_on(embeddable)


def _key(embeddable: Embeddable) -> Iterator[str]:
    key: Any = embeddable.model._meta.pk
    while key.related_model is not None:  # one-to-one, as a child's is
        key = key.target_field
    is_whole = isinstance(key, IntegerField | UUIDField)
    is_short = isinstance(key, CharField) and key.max_length is not None and key.max_length <= MAX_KEY_LENGTH
    if not is_whole and not is_short:
        kinds = f"integers, UUIDs and strings of at most {MAX_KEY_LENGTH} characters"
        yield f"{embeddable.model._meta.label} has a {type(key).__name__} as primary key, and keys can be {kinds}"


def _owner(embeddable: Embeddable) -> Iterator[str]:
    label, path = embeddable.model._meta.label, embeddable.owner
    try:
        *way, last = fields_on(embeddable.model, path)
    except FieldDoesNotExist as error:
        yield f"owner: {label} has no {path!r}: {error}. Name the path to the user who owns an entity and alone finds it"
        return
    for field in way:
        if not (field.many_to_one or field.one_to_one):
            yield f"owner: {path!r} goes along {field.name!r}, which leads to many rows, and an entity has one owner"
    user = get_user_model()
    if not getattr(last, "concrete", False) or last.many_to_many:
        yield f"owner: {path!r} must end in a field of its model, and {last.name!r} is the other side of a relation, or many rows"
    elif last.related_model is not None and not _is_or_inherits(user, last.related_model):
        yield f"owner: {path!r} must end in a relation to {user._meta.label} or in a field with its key, not in one to {last.related_model}"


def _is_or_inherits(user: type, related: object) -> bool:
    return isinstance(related, type) and (issubclass(user, related) or issubclass(related, user))


def _fields(embeddable: Embeddable) -> Iterator[str]:
    for name in embeddable.fields or ():
        if "__" in name:
            yield f"fields: {name!r} is another model's field, which belongs into depends_on"
        elif find_field(embeddable.model, name) is None:
            yield f"fields: {embeddable.model._meta.label} has no {name!r}"


def _depends_on(embeddable: Embeddable) -> Iterator[str]:
    label = embeddable.model._meta.label
    for path, names in embeddable.depends_on.items():
        try:
            last = fields_on(embeddable.model, path)[-1]
        except FieldDoesNotExist as error:
            yield f"depends_on: {label} has no {path!r}: {error}"
            continue
        if last.related_model is None:
            yield f"depends_on: {path!r} of {label} is no relation, its own fields belong into fields"
            continue
        for name in names:
            if find_field(last.related_model, name) is None:
                yield f"depends_on: {path!r} leads to {last.related_model._meta.label}, which has no {name!r}"
