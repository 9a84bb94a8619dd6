"""How long the index takes to be proved right: the keys of a million rows, and a thousand contents."""

import os
import time
from collections.abc import Callable

from benchmarks.database import private_database

ROWS = 1_000_000
USERS = 100

os.environ.update(DJANGO_SETTINGS_MODULE="benchmarks.settings", EMBEDDINGS_PROVIDER="fake", LOG_LEVEL="ERROR")

PEOPLE = "INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}, generate_series(1, %s)"

# In no order, as rows that were changed now and then lie in the table.
STATES = """
INSERT INTO embeddings_embeddingstate (entity_type, entity_id, model_id, owner_id, version, status, content_hash, recipe, chunks, tokens,
    updated_at, error_class, error)
SELECT 'person', id::text, %s, user_id::text, nextval('embeddings_version_seq'), 'embedded', md5(id::text), %s, 1, 20, now(), '', ''
FROM {table} ORDER BY random()
"""

VECTORS = """
INSERT INTO embeddings_embedding (user_id, model_id, entity_type, entity_id, chunk_index, content, metadata, embedding)
SELECT owner_id::bigint, model_id, entity_type, entity_id, 0, 'Somebody that somebody knows', '{}', array_fill(0.125, ARRAY[64])::halfvec
FROM embeddings_embeddingstate
"""


def main() -> None:
    import django

    from theo.embedded import ensure_servers

    ensure_servers()
    django.setup()
    with private_database():
        fill()
        measure()


def fill() -> None:
    from django.contrib.auth.models import User
    from django.db import connection

    from embeddings import embeddings_disabled
    from embeddings.indexing.plans import recipe_of
    from embeddings.models import EmbeddingModel
    from embeddings.registering.registry import registry
    from theo.context.models import Person

    users = User.objects.bulk_create(User(username=f"user {number}") for number in range(USERS))
    with embeddings_disabled():
        Person.objects.bulk_create(Person(user=user, name="Somebody") for user in users)
    model = EmbeddingModel.objects.active()
    columns = ", ".join(field.column for field in Person._meta.concrete_fields if not field.primary_key)
    table = Person._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE.format(table=table, columns=columns), [ROWS // USERS - 1])
        cursor.execute(STATES.format(table=table), [model.pk, recipe_of(registry.get("person"), model)])
        cursor.execute(VECTORS)
        cursor.execute("VACUUM ANALYZE")


def measure() -> None:
    from embeddings.models import EmbeddingModel
    from embeddings.reconciling import contents, keys, orphans
    from embeddings.reconciling.comparing import count_type, mend_type
    from embeddings.registering.registry import registry

    model = EmbeddingModel.objects.active()
    person = registry.get("person")
    report = count_type("person", model)
    assert (report.embedded, report.wrong) == (ROWS, 0), report
    show(f"{ROWS:,} rows against the index", lambda: keys.count(person, model))
    show("the index against the rows", lambda: orphans.count("person", "default", model=model))
    show("status of both, with counts of owed work", lambda: count_type("person", model))
    show("sync of both, in windows of 250,000", lambda: mend_type(person, model))
    show("a tick: rows", lambda: keys.look(person, model, after="500000", limit=50_000, most=1000))
    show("a tick: index", lambda: orphans.look("person", "default", model=model, after="5", limit=50_000, most=1000))
    show("a tick: 1,000 contents", lambda: contents.look(person, model, after="500000", limit=1000))


def show(name: str, run: Callable[[], object]) -> None:
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    seconds.sort()
    print(f"{name:45} {seconds[1]:8.2f} s   ({seconds[0]:.2f} to {seconds[2]:.2f})")


if __name__ == "__main__":
    main()
