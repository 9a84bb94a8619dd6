"""What `manage.py check` finds in an embeddable."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.test import override_settings
from django.test.utils import isolate_apps

from embeddings import Embeddable
from embeddings.checks.database import check_pgvector
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


def test_without_queues_among_the_apps_nothing_starts_and_one_sentence_says_so() -> None:
    apps = ["django.contrib.auth", "django.contrib.contenttypes", "embeddings"]
    with pytest.raises(ImproperlyConfigured, match="'embeddings' needs 'queues' in INSTALLED_APPS"), override_settings(INSTALLED_APPS=apps):
        pass
