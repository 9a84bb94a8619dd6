"""What `manage.py check --database` finds in a database."""

import pytest
from django.db import connection

from embeddings.checks.database import check_pgvector


@pytest.mark.django_db
def test_a_role_that_may_not_create_the_missing_extension_is_warned_before_migrate_fails() -> None:
    assert check_pgvector(databases=["default"]) == []
    with connection.cursor() as cursor:  # rolled back with the test
        cursor.execute("DROP EXTENSION vector CASCADE")
        assert check_pgvector(databases=["default"]) == [], "a superuser may"
        cursor.execute("CREATE ROLE embeddings_weak")
        cursor.execute("SET LOCAL ROLE embeddings_weak")
        (warning,) = check_pgvector(databases=["default"])
    assert warning.id == "embeddings.W011" and "'embeddings_weak'" in warning.msg and "CREATE EXTENSION vector" in warning.hint
