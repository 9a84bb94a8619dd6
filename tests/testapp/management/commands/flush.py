"""Django's `flush` as the tests need it after each test that commits: quick.

TRUNCATE of all tables makes new files for each of them and their indexes, and Django then makes all content types and permissions anew:
a tenth of a second a test and database. Here the few tables that have rows are emptied; those two stay as the migrations left them.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections, transaction

KEPT = {"django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}
LARGE = 100_000
"""Bytes of a table that is truncated: so many dead rows would make all that reads it slower."""


class Command(BaseCommand):
    help = "Empties all tables that have rows, but for content types, permissions and groups."
    stealth_options = ("reset_sequences", "allow_cascade", "inhibit_post_migrate")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-input", action="store_false", dest="interactive")
        parser.add_argument("--database", default="default")

    def handle(self, *, database: str, **options: Any) -> None:
        connection = connections[database]
        names = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
        look = "(SELECT '{0}', pg_relation_size('{0}') FROM {0} LIMIT 1)"
        looks = " UNION ALL ".join(map(look.format, sorted(names)))
        with transaction.atomic(using=database), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            while filled := self._look(cursor, looks):  # again, as triggers that a test left behind may write to tables
                for name, size in filled:
                    cursor.execute(f"TRUNCATE {name} CASCADE" if size > LARGE else f"DELETE FROM {name}")

    def _look(self, cursor: Any, looks: str) -> list[tuple[str, int]]:
        """Names and sizes of the tables that have rows, the large ones first."""
        cursor.execute(looks)
        return sorted(cursor.fetchall(), key=lambda row: row[1] <= LARGE)
