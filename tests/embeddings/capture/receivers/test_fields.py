"""Which saves count."""

import pytest
from django.contrib.auth.models import User

from embeddings.models import DirtyEntity
from embeddings.registering.embeddable import Embeddable
from tests.embeddings.conftest import work
from tests.testapp.models import Article, Note

pytestmark = pytest.mark.django_db(transaction=True)


def of(model: type, **options: object) -> Embeddable:
    return type("Some", (Embeddable,), {"owner": "author", **options})(model)


@pytest.mark.parametrize("field", ["title", "author", "author_id", "shelf", "shelf_id", "is_hidden"])
def test_a_save_of_a_field_that_matters_is_captured_by_name_and_by_column(ann: User, field: str) -> None:
    note = Note.objects.create(author=ann, title="a")
    work()
    note.save(update_fields=[field])
    assert DirtyEntity.objects.count() == 1


@pytest.mark.parametrize("fields", [["views"], []])
def test_a_save_of_nothing_that_matters_is_ignored(ann: User, fields: list[str]) -> None:
    note = Note.objects.create(author=ann, title="a")
    work()
    note.save(update_fields=fields)
    assert DirtyEntity.objects.count() == 0


def test_soft_delete_fields_that_the_model_has_count_always(ann: User) -> None:
    article = Article.objects.create(author=ann, title="a")
    work()
    article.save(update_fields=["deleted_at"])
    assert DirtyEntity.objects.count() == 1


@pytest.mark.parametrize("name", ["shelf", "shelf_id"])
def test_a_field_named_by_either_name_counts_under_both(name: str) -> None:
    embeddable = of(Note, fields=(name,))
    assert embeddable.is_touched_by(frozenset({"shelf"})) and embeddable.is_touched_by(frozenset({"shelf_id"}))
    assert not embeddable.is_touched_by(frozenset({"title"}))


def test_without_fields_every_save_counts(ann: User) -> None:
    assert of(Note).is_touched_by(frozenset({"views"}))


def test_a_row_that_was_read_in_part_saves_what_it_has(ann: User) -> None:
    Note.objects.create(author=ann, title="a")
    work()
    Note.objects.only("views").get().save()
    assert DirtyEntity.objects.count() == 0
    Note.objects.only("title").get().save()
    assert DirtyEntity.objects.count() == 1
