"""One demo at a time sets up a database: two would migrate it at once, and fill it twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection

LOCK = 0x7E0DE
"""Of PostgreSQL's advisory locks, which end with their session, however that ends."""


@contextmanager
def alone(tell: Callable[[str], object]) -> Iterator[None]:
    """Waits until no other demo is within it, and `tell`s so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            tell("Another demo is setting this database up: waiting for it.")
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
