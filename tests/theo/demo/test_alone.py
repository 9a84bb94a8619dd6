import psycopg
import pytest
from django.db import connection

from theo.demo.alone import LOCK, alone


@pytest.mark.django_db(transaction=True)
def test_a_second_demo_waits_until_the_first_has_set_the_database_up():
    parameters = connection.get_connection_params() | {"cursor_factory": psycopg.ClientCursor}
    told = []
    with psycopg.connect(**parameters, autocommit=True) as other:

        def release(text):
            told.append(text)
            other.execute("SELECT pg_advisory_unlock(%s)", [LOCK])

        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        with alone(release):
            assert other.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone() == (False,)
        assert other.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone() == (True,)
    assert told == ["Another demo is setting this database up: waiting for it."]
