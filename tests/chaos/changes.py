"""Random changes of every kind, as an application's requests make them, in several threads at once."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from tests.chaos.keys import Keys
from tests.testapp.models import Article, Document, Note

COLORS = ("red", "green", "blue", "white", "black")
LONG_TEXT = "A sentence of some words. " * 1200
"""More than one chunk."""


def reason_of(error: Exception) -> str:
    """The first line, and for a deadlock the relation whose row the victim waited for."""
    reason = str(error).partition("\n")[0]
    context = getattr(getattr(error.__cause__, "diag", None), "context", None) or ""
    return f"{reason}: {context.partition('in relation ')[2]}" if "deadlock" in reason else reason


class Rolled(Exception):
    """The transaction is to be rolled back."""


class Changes:
    """One thread's share. What it meets of others (a row that is gone, a deadlock, a server away) fails one request, as anywhere."""

    def __init__(self, owners: list[User], keys: Keys, dice: random.Random) -> None:
        self.owners, self.keys, self.dice = owners, keys, dice
        self.made: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.is_over = threading.Event()

    def make(self, count: int) -> None:
        for _ in range(count):
            if self.is_over.is_set():
                break
            change = self.dice.choice(KINDS)
            try:
                change(self)
                self.made[change.__name__] += 1
            except (DatabaseError, InterfaceError) as error:
                self.failed[reason_of(error)] += 1
                connection.close_if_unusable_or_obsolete()
        connection.close()

    def create(self) -> None:
        owner, title = self.owner(), self.title()
        match self.dice.randrange(3):
            case 0:
                body = LONG_TEXT if self.dice.random() < 0.03 else ""
                self.keys.add(Note.objects.create(author=owner, title=title, body=body, shelf=self.keys.any_shelf(self.dice)))
            case 1:
                self.keys.add(Article.objects.create(author=owner, title=title))
            case 2:
                self.keys.add(Document.objects.create(user=owner, text=title))

    def edit(self) -> None:
        if row := self.find():
            setattr(row, text_field(row), self.title())
            row.save(force_update=True)

    def edit_one_field(self) -> None:
        if row := self.find():
            setattr(row, text_field(row), self.title())
            row.save(update_fields=[text_field(row)])

    def touch(self) -> None:
        """A save that changes nothing."""
        if row := self.find():
            row.save(force_update=True)

    def delete(self) -> None:
        if row := self.find():
            self.keys.remove(type(row), [row.pk])
            row.delete()

    def delete_some(self) -> None:
        model, pks = self.keys.some(self.dice, 2)
        self.keys.remove(model, pks)
        model.objects.filter(pk__in=pks).delete()

    def delete_softly_or_restore(self) -> None:
        row = self.find()
        if isinstance(row, Note):
            row.is_hidden = not row.is_hidden
            row.save(force_update=True)
        elif isinstance(row, Article):
            row.deleted_at = None if row.deleted_at else timezone.now()
            row.save(force_update=True)

    def transfer(self) -> None:
        if row := self.find():
            setattr(row, owner_field(row), self.owner())
            row.save(force_update=True)

    def update_owners(self) -> None:
        model, pks = self.keys.some(self.dice, 4, without_signals=True)
        model.objects.filter(pk__in=pks).update(**{owner_field(model): self.owner()})

    def update_texts(self) -> None:
        model, pks = self.keys.some(self.dice, 4, without_signals=True)
        model.objects.filter(pk__in=pks).update(**{text_field(model): self.title()})

    def update_soft_deletion(self) -> None:
        model, pks = self.keys.some(self.dice, 4, without_signals=True)
        if model is Note:
            Note.objects.filter(pk__in=pks).update(is_hidden=self.dice.random() < 0.5)
        elif model is Article:
            Article.objects.filter(pk__in=pks).update(deleted_at=self.dice.choice([None, timezone.now()]))

    def delete_without_signals(self) -> None:
        model, pks = self.keys.some(self.dice, 1, without_signals=True)
        rows = model.objects.filter(pk__in=pks)
        if model is not Article:  # its tags and comments would have to go first
            self.keys.remove(model, pks)
            rows._raw_delete(rows.db)

    def create_many(self) -> None:
        owner = self.owner()
        with transaction.atomic():
            for note in Note.objects.bulk_create([Note(author=owner, title=self.title()) for _ in range(5)]):
                self.keys.add(note, without_signals=True)

    def rename_shelf(self) -> None:
        """Without its notes being touched: they hang on it."""
        shelf = self.keys.any_shelf(self.dice)
        if shelf is not None:
            shelf.name = self.title()
            shelf.save(update_fields=["name"])

    def several_at_once(self) -> None:
        with transaction.atomic():
            for _ in range(4):
                self.dice.choice([Changes.create, Changes.edit, Changes.transfer])(self)

    def several_of_which_one_is_rolled_back(self) -> None:
        with transaction.atomic():
            self.edit()
            self.roll_back()
            self.edit()

    def roll_back(self) -> None:
        with suppress(Rolled), transaction.atomic():
            self.edit()
            self.transfer()
            raise Rolled

    def owner(self) -> User:
        return self.dice.choice(self.owners)

    def title(self) -> str:
        return f"words {self.dice.choice(COLORS)} {self.dice.choice(COLORS)} {self.dice.randrange(1000)}"

    def find(self) -> Any:
        """A row that may be gone by the time it is saved, or None."""
        model, pks = self.keys.some(self.dice, 1)
        return model.objects.filter(pk__in=pks).first()


KINDS: list[Callable[[Changes], None]] = [
    *[Changes.create] * 7,
    *[Changes.edit] * 5,
    *[Changes.edit_one_field] * 3,
    Changes.touch,
    *[Changes.delete] * 4,
    Changes.delete_some,
    *[Changes.delete_softly_or_restore] * 5,
    *[Changes.transfer] * 5,
    *[Changes.update_owners] * 2,
    *[Changes.update_texts] * 2,
    *[Changes.update_soft_deletion] * 2,
    Changes.delete_without_signals,
    Changes.create_many,
    Changes.rename_shelf,
    *[Changes.several_at_once] * 2,
    Changes.several_of_which_one_is_rolled_back,
    Changes.roll_back,
]


def text_field(row: Any) -> str:
    return "text" if row is Document or isinstance(row, Document) else "title"


def owner_field(row: Any) -> str:
    return "user" if row is Document or isinstance(row, Document) else "author"
