"""The options of an embeddable: which there are, and what is wrong with those that were given."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.db.models import Model

from embeddings.registering.chunking import Chunking
from embeddings.registering.embeddable import Embeddable

ATTRIBUTES = ("entity_type", "owner", "fields", "soft_delete", "depends_on", "content_version", "chunking")
METHODS = ("content", "should_embed", "metadata", "queryset")
OPTIONS = (*ATTRIBUTES, *METHODS)

MAX_TYPE = 100
"""Characters of an entity type, as its columns have them."""


def with_options(embeddable_class: type[Embeddable], options: Mapping[str, Any]) -> type[Embeddable]:
    """The class with these options in place of its own.

    A function among them takes what the method takes without `self`: `content(obj)`, `should_embed(obj)`, `metadata(obj)`, `queryset()`.
    """
    if not options:
        return embeddable_class
    attributes = {name: staticmethod(value) if name in METHODS and callable(value) else value for name, value in options.items()}
    return type(embeddable_class.__name__, (embeddable_class,), {"__module__": embeddable_class.__module__, **attributes})


def find_mistakes(model: type[Model], embeddable_class: type[Embeddable]) -> list[str]:
    """What is wrong with the options, in sentences: all of it at once."""
    mistakes = list(_mistakes_of_names(embeddable_class))
    mistakes += _mistakes_of_type(getattr(embeddable_class, "entity_type", ""))
    mistakes += [f"{name} must be {wanted}, not {value!r}" for name, value, wanted in _mistakes_of_values(embeddable_class)]
    if embeddable_class.content is Embeddable.content:
        mistakes.append("content(obj) is missing")
    if model._meta.abstract:
        mistakes.append(f"{model._meta.label} is abstract and has no rows: register the models that inherit from it")
    return mistakes


def _mistakes_of_names(embeddable_class: type[Embeddable]) -> Iterator[str]:
    """Plain values that are no option are most likely misspelt ones; helpers are methods, begin with _ or are constants in capitals."""
    for ancestor in embeddable_class.__mro__:
        if ancestor is Embeddable or not issubclass(ancestor, Embeddable):
            continue
        for name, value in vars(ancestor).items():
            is_helper = name.startswith("_") or name.isupper() or callable(value) or hasattr(value, "__get__")
            if not is_helper and name not in OPTIONS:
                yield unknown(name)


def unknown(name: str) -> str:
    close = get_close_matches(name, OPTIONS, n=1)
    advice = f", did you mean {close[0]!r}?" if close else f": there are {', '.join(OPTIONS)}"
    return f"there is no option {name!r}{advice}"


def _mistakes_of_type(entity_type: Any) -> Iterator[str]:
    if not isinstance(entity_type, str):
        yield f"entity_type must be a str, not {entity_type!r}"
    elif not entity_type.strip() or "\x00" in entity_type:
        yield "entity_type is missing"
    elif len(entity_type) > MAX_TYPE:
        yield f"entity_type has {len(entity_type)} characters, {MAX_TYPE} are possible"


def _mistakes_of_values(embeddable_class: type[Embeddable]) -> Iterator[tuple[str, Any, str]]:
    options = {name: getattr(embeddable_class, name, None) for name in OPTIONS}
    if not isinstance(options["owner"], str) or not options["owner"]:
        yield "owner", options["owner"], "a field path such as 'user' or 'task__user'"
    if options["fields"] is not None and not _are_names(options["fields"]):
        yield "fields", options["fields"], "a tuple of field names, or None for all"
    if not _are_names(options["soft_delete"]):
        yield "soft_delete", options["soft_delete"], "a tuple of field names"
    depends_on = options["depends_on"]
    if not isinstance(depends_on, Mapping) or not _are_names(depends_on) or not all(map(_are_names, depends_on.values())):
        yield "depends_on", depends_on, "a dict of relations, each with a tuple of field names"
    version = options["content_version"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        yield "content_version", version, "a whole number"
    if not isinstance(options["chunking"], Chunking):
        yield "chunking", options["chunking"], "a Chunking"
    for name in METHODS:
        if not callable(options[name]):
            yield name, options[name], "a function"


def _are_names(value: Any) -> bool:
    """A string is no tuple of names, though it could be gone through as one."""
    return isinstance(value, Collection) and not isinstance(value, str) and all(isinstance(name, str) and name for name in value)
