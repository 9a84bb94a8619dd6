"""Rows by any number of keys, which travel as one array: a statement takes 65,535 parameters at most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.models import BooleanField, F, Func, Model, Value


class IsAmong(Func):
    """`field = ANY (array)`, as a condition."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY ("
    output_field = BooleanField()


def has_key_among(model: type[Model], keys: Sequence[Any], *, using: str, path: str = "pk") -> IsAmong:
    """Whether the row that `path` leads to is one of the model's with these keys."""
    prepared = [model._meta.pk.get_db_prep_value(key, connections[using], prepared=False) for key in keys]
    return IsAmong(F(path), Value(prepared))
