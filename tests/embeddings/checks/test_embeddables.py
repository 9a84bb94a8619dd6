"""What `manage.py check` finds in an embeddable."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import models
from django.test.utils import isolate_apps

from embeddings import Embeddable
from embeddings.registering.path_checks import find_path_mistakes
from tests.embeddings.registering.registered import instead_of
from tests.testapp.models import Country

TITLE = {"content": lambda row: row.title}


def errors() -> list[str]:
    return [f"{message.id} {message.msg}" for message in run_checks(tags=["embeddings"]) if message.id == "embeddings.E002"]


def test_the_test_applications_embeddables_are_right() -> None:
    assert errors() == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"owner": "writer"}, "owner: testapp.Article has no 'writer'"),
        ({"owner": "writer"}, "Name the path to the user who owns an entity"),
        ({"owner": "author__boss"}, "owner: testapp.Article has no 'author__boss'"),
        ({"owner": "tags"}, "must end in a field of its model"),
        ({"owner": "comments"}, "must end in a field of its model"),
        ({"owner": "tags__id"}, "goes along 'tags', which leads to many rows"),
        ({"fields": ("titel",)}, "fields: testapp.Article has no 'titel'"),
        ({"fields": ("author__username",)}, "belongs into depends_on"),
        ({"depends_on": {"tag": ("name",)}}, "depends_on: testapp.Article has no 'tag'"),
        ({"depends_on": {"title": ()}}, "'title' of testapp.Article is no relation"),
        ({"depends_on": {"tags": ("nmae",)}}, "leads to testapp.Tag, which has no 'nmae'"),
    ],
)
def test_a_path_that_leads_nowhere_is_found_with_id_cause_and_cure(options: dict[str, Any], sentence: str) -> None:
    with instead_of("article", **{"owner": "author", **TITLE, **options}):
        (error,) = errors()
        (message,) = [message for message in run_checks(tags=["embeddings"]) if message.id == "embeddings.E002"]
    assert error.startswith("embeddings.E002") and sentence in error
    assert "testapp/embeddables.py" in message.hint


def test_an_owner_that_is_a_relation_to_another_model_is_found() -> None:
    with instead_of("note", owner="shelf", **TITLE):
        (error,) = errors()
    assert "must end in a relation to auth.User" in error


@pytest.mark.parametrize("owner", ["author", "author_id", "author__id", "views"])
def test_an_owner_is_a_relation_to_the_user_or_a_field_with_the_key(owner: str) -> None:
    with instead_of("note", owner=owner, **TITLE):
        assert errors() == []


@pytest.mark.parametrize(
    ("key", "is_fit"),
    [
        (models.BigAutoField(primary_key=True), True),
        (models.UUIDField(primary_key=True), True),
        (models.SlugField(primary_key=True), True),
        (models.OneToOneField(Country, models.CASCADE, primary_key=True), True),
        (models.CharField(primary_key=True, max_length=300), False),
        (models.TextField(primary_key=True), False),
        (models.DateField(primary_key=True), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_primary_key_that_the_index_cannot_keep_is_found(key: Any, is_fit: bool) -> None:
    with isolate_apps("tests.testapp"):
        model = type("Odd", (models.Model,), {"__module__": "tests.testapp.models", "key": key})
    sentences = [sentence for sentence in find_path_mistakes(Embeddable(model)) if "as primary key" in sentence]
    assert (sentences == []) == is_fit
