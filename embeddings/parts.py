"""Iterables in parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one maybe shorter; none is empty. (itertools.batched is for Python 3.12 and later.)"""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
