"""PostgreSQL restarted and killed under load: saves and workers go on after it, nothing is charged, nothing is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection, transaction

from embeddings import mark_dirty
from queues import get_queue_stats
from tests.chaos.installation import Installation, assert_nothing_was_charged
from tests.chaos.truth import assert_index_is_right
from tests.processes import wait_until
from tests.testapp.models import Note, Room, Shelf


class Saver:
    """Saves without end, as requests do: one that finds the database away fails, and the next one opens its own connection."""

    def __init__(self, owner: User) -> None:
        self.owner = owner
        self.saved = self.failed = 0
        self.shelf = Shelf.objects.create(name="shelf", room=Room.objects.create(name="room 0"))

    def save(self) -> None:
        with transaction.atomic():
            note = Note.objects.create(author=self.owner, title=f"note {self.saved}", shelf=self.shelf)
        if self.saved % 3 == 0:
            note.title += " changed"
            note.save()
        if self.saved % 7 == 0:
            note.delete()
        if self.saved % 50 == 0:
            self.shelf.room.name = f"room {self.saved}"
            self.shelf.room.save()
        if self.saved % 200 == 100:
            mark_dirty(Note.objects.all())

    def run(self, is_over: threading.Event) -> None:
        while not is_over.is_set():
            try:
                self.save()
                self.saved += 1
            except (OperationalError, InterfaceError):
                self.failed += 1
                connection.close()
                time.sleep(0.05)
            time.sleep(0.002)
        connection.close()


@contextmanager
def load(saver: Saver) -> Iterator[None]:
    is_over = threading.Event()
    thread = threading.Thread(target=saver.run, args=[is_over])
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_postgresql_restarted_and_killed_under_load(home: Installation, ann: User) -> None:
    home.start_workers(2)
    saver = Saver(ann)
    with load(saver):
        for trouble in (home.postgres.restart, home.postgres.kill, home.postgres.restart):
            wait_for_saves(saver, 120)
            wait_until(lambda: get_queue_stats("embeddings").active)
            trouble()
            home.postgres.start()
        wait_for_saves(saver, 30)
    assert saver.failed, "no save met the trouble"
    connection.close()
    home.wait_until_served()
    assert_index_is_right()
    assert_nothing_was_charged()


def wait_for_saves(saver: Saver, count: int) -> None:
    goal = saver.saved + count
    wait_until(lambda: saver.saved > goal)
