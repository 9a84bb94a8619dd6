"""A database that is not ready is told in a sentence, by every command."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

COMMANDS = [
    ["embeddings_status"],
    ["embeddings_backfill", "--dry-run"],
    ["embeddings_sync"],
    ["embeddings_cleanup"],
    ["embeddings_retry"],
    ["embeddings_search", "doctor", "--user", "ann"],
    ["embeddings_triggers", "status"],
]


@pytest.mark.django_db
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_tables_that_are_not_there_ask_for_the_migrations(command: list[str]) -> None:
    with connection.cursor() as cursor:  # rolled back with the test
        cursor.execute("ALTER TABLE auth_user RENAME TO elsewhere")
        for table in ("embeddingmodel", "dirtyentity", "embedding"):
            cursor.execute(f"ALTER TABLE embeddings_{table} RENAME TO elsewhere_{table}")
    with pytest.raises(CommandError, match=r"Run manage\.py migrate"):
        call_command(*command, stdout=StringIO())


@pytest.mark.django_db
@pytest.mark.parametrize("command", [["embeddings_status"], ["embeddings_sync"], ["embeddings_cleanup"], ["embeddings_triggers", "status"]])
@override_settings(EMBEDDINGS_DATABASES=("nowhere",))
def test_an_alias_that_databases_lacks_is_named(command: list[str]) -> None:
    with pytest.raises(CommandError, match=r"'nowhere' doesn't exist. EMBEDDINGS_DATABASES names aliases of DATABASES alone"):
        call_command(*command, stdout=StringIO())
