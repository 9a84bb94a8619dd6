"""Which rows there are to change."""

from __future__ import annotations

import random
import threading
from typing import Any

from tests.testapp.models import Article, Document, Note, Room, Shelf


class Keys:
    """Keys of rows that were created, most of which are still there; shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[type[Any], list[Any]] = {Note: [], Article: [], Document: []}
        self.unseen: set[tuple[str, str]] = set()
        """Entities that no signal told of, at least once: entity types are named as the models here."""
        room = Room.objects.create(name="a room")
        self.shelves = [Shelf.objects.create(name=f"shelf {number}", room=room).pk for number in range(5)]

    def add(self, row: Any, *, without_signals: bool = False) -> None:
        with self._lock:
            self._keys[type(row)].append(row.pk)
            if without_signals:
                self.unseen.add((type(row)._meta.model_name, str(row.pk)))

    def remove(self, model: type[Any], keys: list[Any]) -> None:
        """Nobody chooses these any more; who has chosen one before may find it gone."""
        with self._lock:
            self._keys[model] = [key for key in self._keys[model] if key not in keys]

    def some(self, dice: random.Random, count: int, *, without_signals: bool = False) -> tuple[type[Any], list[Any]]:
        """A model, and keys of rows of it, which are about to be changed."""
        with self._lock:
            model = dice.choice(list(self._keys))
            keys = dice.sample(self._keys[model], min(count, len(self._keys[model])))
            if without_signals:
                self.unseen |= {(str(model._meta.model_name), str(key)) for key in keys}
            return model, keys

    def any_shelf(self, dice: random.Random) -> Shelf | None:
        return Shelf.objects.filter(pk=dice.choice(self.shelves)).first() if dice.random() < 0.5 else None
