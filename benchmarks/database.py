"""A database for one benchmark."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def private_database() -> Iterator[None]:
    """Migrated and empty, on the embedded PostgreSQL, under the settings' own alias. Django is set up before."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = "benchmark"
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
