"""Many things in slices, a call each: bounds how long Redis is held up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

SLICE = 1000
"""Jobs that one call reads, adds or acts on."""

T = TypeVar("T")


def in_slices(many: Sequence[T]) -> Iterator[Sequence[T]]:
    return (many[start : start + SLICE] for start in range(0, len(many), SLICE))
