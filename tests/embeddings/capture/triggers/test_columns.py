"""Columns and tables of any type and name."""

import pytest
from django.contrib.auth.models import User
from django.db import models

from embeddings.capture.triggers.installation import status
from tests.embeddings.capture.conftest import forget, owed, sql
from tests.embeddings.capture.triggers.conftest import watched
from tests.testapp.models import Document

pytestmark = pytest.mark.django_db(transaction=True)


def test_any_type_of_column_is_compared_and_all_columns_if_none_are_named(ann: User) -> None:
    sql("ALTER TABLE testapp_document ADD COLUMN extra json, ADD COLUMN place point")
    try:
        document = Document.objects.create(user=ann, text="a")
        forget()
        sql("UPDATE testapp_document SET text = text, extra = extra")
        assert owed() == set()
        sql("UPDATE testapp_document SET extra = '{}'")
        assert owed() == {("document", str(document.pk))}
        forget()
        sql("UPDATE testapp_document SET extra = '{ }', place = '(1, 2)'")
        assert owed() == {("document", str(document.pk))}
        forget()
        sql("UPDATE testapp_document SET extra = NULL")
        assert owed() == {("document", str(document.pk))}
    finally:
        sql("ALTER TABLE testapp_document DROP COLUMN extra, DROP COLUMN place")
    Document.objects.update(text="b")
    assert owed() == {("document", str(document.pk))}, "a dropped column does not matter where all are compared"


def test_names_that_need_quoting(ann: User) -> None:
    class Odd(models.Model):
        select = models.TextField(db_column="se\"l'ect$embeddings$")

        class Meta:
            app_label = "testapp"
            db_table = 'An "odd" {table}; DROP'
            managed = False

    table, column = '"An ""odd"" {table}; DROP"', '"se""l\'ect$embeddings$"'
    try:
        sql(f"CREATE TABLE {table} (id bigint PRIMARY KEY, {column} text)")
        Odd._meta.db_table = table  # Django quotes no name that is quoted
        with watched(Odd, entity_type="it's {odd} $embeddings$", owner="select", fields=("select",)):
            sql(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
            forget()
            sql(f"UPDATE {table} SET {column} = 'b'")
            assert owed() == {("it's {odd} $embeddings$", "1")}
    finally:
        sql(f"DROP TABLE IF EXISTS {table}")
        from django.apps import apps

        del apps.all_models["testapp"]["odd"]
        apps.clear_cache()
    assert {state.state for state in status(using="default")} == {"installed"}
