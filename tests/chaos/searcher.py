"""Searches without end while everything changes, and judges every hit by the rows as they were at that moment."""

from __future__ import annotations

import random
import threading

from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, connection

from embeddings import search
from tests.chaos.changes import COLORS

Version = tuple[str, str, str]
"""Owner (empty: nobody may find it), the transaction that wrote the row, and where it lies."""

SECONDS_BETWEEN_SEARCHES = 0.02
"""Room for those who save."""

ROWS = """
SELECT 'note', id::text, CASE WHEN is_hidden THEN '' ELSE author_id::text END, xmin::text, ctid::text FROM testapp_note
UNION ALL
SELECT 'article', id::text, CASE WHEN deleted_at IS NULL THEN author_id::text ELSE '' END, xmin::text, ctid::text FROM testapp_article
UNION ALL
SELECT 'document', id::text, user_id::text, xmin::text, ctid::text FROM testapp_document
"""
NOBODY: Version = ("", "", "")


class Searcher(threading.Thread):
    """A hit is wrong if its row was not the searcher's just before the search, nor just after it, and was not written in between.

    This never blames a search that was right when it answered: rows that changed meanwhile are left out, as each of their states may
    have been the one that it saw. A key never comes back once its row is gone, so that a row absent twice was absent all the time.
    """

    def __init__(self, owners: list[User], dice: random.Random) -> None:
        super().__init__(daemon=True)
        self.owners, self.dice = owners, dice
        self.searches = self.hits = 0
        self.wrong: list[str] = []
        self.error: BaseException | None = None
        self._is_over = threading.Event()

    def run(self) -> None:
        try:
            while not self._is_over.wait(SECONDS_BETWEEN_SEARCHES):
                self._search_once()
        except BaseException as error:
            self.error = error
        finally:
            connection.close()

    def stop(self) -> None:
        self._is_over.set()
        self.join()
        if self.error is not None:
            raise self.error

    def _search_once(self) -> None:
        owner = self.dice.choice(self.owners)
        query = f"words {self.dice.choice(COLORS)}"
        try:
            before = rows()
            hits = search(owner, query, limit=self.dice.choice([5, 50, 100]))
            after = rows()
        except (DatabaseError, InterfaceError):
            connection.close()
            return
        self.searches += 1
        self.hits += len(hits)
        for hit in hits:
            entity = hit.entity_type, hit.entity_id
            then, now = before.get(entity, NOBODY), after.get(entity, NOBODY)
            if str(owner.pk) not in (then[0], now[0]) and then == now:
                self.wrong.append(f"{owner} found {entity}, whose owner was {then[0] or 'nobody'}")


def rows() -> dict[tuple[str, str], Version]:
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        return {(entity_type, entity_id): (owner, xmin, ctid) for entity_type, entity_id, owner, xmin, ctid in cursor.fetchall()}
