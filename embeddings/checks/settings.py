"""Whether the settings of this app are what they should be: misspelled, of a wrong type, or naming what is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_type_hints

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register

from embeddings.conf import PREFIX, EmbeddingsSettings, settings

TYPES = get_type_hints(EmbeddingsSettings)
LEAST = {
    "sweep_seconds": 1,
    "sweep_age_seconds": 0,
    "dimensions": 0,
    "requests_in_flight": 1,
    "openai_max_inputs": 0,
    "openai_max_input_tokens": 0,
}
"""The others are no numbers."""


@register("embeddings")
def check_settings(**_: Any) -> list[CheckMessage]:
    return [*_check_names(), *_check_values(), *_check_aliases()]


def _check_names() -> Iterator[CheckMessage]:
    """A misspelled setting would silently be its default."""
    known = [PREFIX + name.upper() for name in TYPES]
    for name in sorted(dir(django_settings)):
        if name.startswith(PREFIX) and name not in known:
            (close,) = difflib.get_close_matches(name, known, n=1) or ("",)
            hint = f"Did you mean {close}?" if close else f"There are {', '.join(known)}."
            yield Warning(f"There is no setting {name}.", hint=hint, id="embeddings.W003")


def _check_values() -> Iterator[CheckMessage]:
    for name, kind in TYPES.items():
        if wanted := _mistake(name, kind, getattr(settings, name)):
            value = "" if name == "openai_api_key" else f", not {getattr(settings, name)!r}"
            yield Error(f"{PREFIX}{name.upper()} must be {wanted}{value}.", hint="See the settings in its README.", id="embeddings.E007")


def _mistake(name: str, kind: Any, value: Any) -> str:
    """What the value should have been; empty, if it is."""
    if name == "databases":
        is_right = isinstance(value, tuple | list) and bool(value) and all(isinstance(alias, str) for alias in value)
        return "" if is_right else "a tuple of aliases"
    if kind is bool:
        return "" if isinstance(value, bool) else "True or False"
    if kind is str:
        return "" if isinstance(value, str) else "a string"
    whole = "a whole number" if kind is int else "a number"
    is_number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    return "" if is_number and value >= LEAST[name] else f"{whole} of at least {LEAST[name]}"


def _check_aliases() -> Iterator[CheckMessage]:
    if _mistake("databases", tuple, settings.databases):
        return
    for alias in settings.databases:
        if alias not in django_settings.DATABASES:
            there = ", ".join(django_settings.DATABASES)
            text = f"EMBEDDINGS_DATABASES names {alias!r}, which is not in DATABASES: there are {there}."
            yield Error(text, hint="Nothing is captured or embedded there. Name aliases of DATABASES alone.", id="embeddings.E008")
