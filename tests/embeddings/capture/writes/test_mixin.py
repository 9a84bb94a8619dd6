"""The mixin beside Django's other ways to write, other querysets and other databases."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models, transaction
from django.test import override_settings

from embeddings import EmbeddableQuerySet, EmbeddableQuerySetMixin, embeddings_disabled
from embeddings.models import DirtyEntity
from tests.embeddings.capture.conftest import captured, owed
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_mixin_is_silent_where_nobody_listens(note: Note, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        captured(User).update(first_name="Ann")
    with embeddings_disabled():
        captured(Note).update(title="second")
    with override_settings(EMBEDDINGS_SIGNALS=False):
        captured(Note).update(title="third")
        captured(Note).bulk_create([Note(title="fourth")])
        captured(Note).filter(title="fourth")._raw_delete("default")
    with override_settings(EMBEDDINGS_DATABASES=("other",)):
        captured(Note).update(title="fifth")
    assert owed() == set()


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_another_database_keeps_its_own_account() -> None:
    with override_settings(EMBEDDINGS_DATABASES=("default", "other")):
        captured(Note).using("other").bulk_create([Note(title="a")])
        captured(Note).using("other").update(title="b")
        captured(Note).using("default").update(title="c")
    assert (DirtyEntity.objects.using("other").count(), owed()) == (1, set())


def test_get_or_create_and_update_or_create_save(ann: User) -> None:
    note, _ = captured(Note).get_or_create(title="a", defaults={"author": ann})
    assert owed() == {("note", str(note.pk))}
    work()
    captured(Note).update_or_create(title="a", defaults={"body": "b"})
    assert owed() == {("note", str(note.pk))}


def test_the_async_forms_are_captured(ann: User) -> None:
    async def write() -> None:
        await captured(Note).abulk_create([Note(author=ann, title="a")])
        await captured(Note).aupdate(title="b")
        note = await captured(Note).aget()
        note.title = "c"
        await captured(Note).abulk_update([note], ["title"])

    with transaction.atomic():
        asyncio.run(write())
    work()
    assert {content for _, _, content in stored()} == {"c"}


def test_the_names_can_be_imported_before_the_apps_are_ready() -> None:
    code = "from embeddings import EmbeddableManager, EmbeddableQuerySet, EmbeddableQuerySetMixin; EmbeddableQuerySet.as_manager()"
    subprocess.run([sys.executable, "-c", code], check=True, env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": ""})


def test_the_mixin_goes_before_any_queryset(note: Note) -> None:
    class Loud(models.QuerySet):  # type: ignore[type-arg]
        def update(self, **values: Any) -> int:
            return super().update(**{name: value.upper() for name, value in values.items()})

    class NoteQuerySet(EmbeddableQuerySetMixin, Loud):
        pass

    assert NoteQuerySet(Note).update(title="second") == 1
    work()
    assert {content for _, _, content in stored()} == {"SECOND on the shelf cooking"}
    assert issubclass(EmbeddableQuerySet, models.QuerySet)
