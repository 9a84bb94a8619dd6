"""embeddings_triggers install, remove and status, and the check that asks for them."""

import json
import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import override_settings

from embeddings.capture.triggers.installation import remove
from embeddings.registering.registry import registry
from tests.embeddings.capture.conftest import sql

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def none_left(transactional_db: None) -> Iterator[None]:
    yield
    remove(using="default")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("embeddings_triggers", *arguments, stdout=out)
    return out.getvalue()


def states(*arguments: str) -> dict[tuple[str, str], str]:
    """State by entity type and table."""
    rows = json.loads(run("status", "--json", *arguments))
    return {(row["entity_type"], row["table"]): row["state"] for row in rows}


def count_triggers(alias: str = "default") -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'embeddings%'")
        return cursor.fetchone()[0]


NOTE = ("note", "testapp_note")


def test_status_install_and_remove() -> None:
    assert set(states().values()) == {"missing"}
    assert ("article", "testapp_article_tags") in states() and ("car", "testapp_vehicle") in states()
    assert "note                 testapp_note                     installed" in run("install")
    assert set(states().values()) == {"installed"}
    installed = count_triggers()
    assert run("install") == "default: nothing to install.\n", "a second time there is nothing to do"
    assert count_triggers() == installed > 20
    assert "testapp_shelf" in run("remove")
    assert (count_triggers(), set(states().values())) == (0, {"missing"})
    assert run("remove") == "default: nothing to remove.\n"


def test_dry_runs_change_nothing() -> None:
    assert "would be installed" in run("install", "--dry-run")
    assert count_triggers() == 0
    run("install")
    assert "would be removed" in run("remove", "--dry-run")
    assert set(states().values()) == {"installed"}


def test_one_type_alone() -> None:
    run("install", "--type", "country", "--type", "note")
    assert {entity_type for (entity_type, _), state in states().items() if state == "installed"} == {"country", "note"}
    assert {entity_type for entity_type, _ in states("--type", "country")} == {"country"}
    run("remove", "--type", "note")
    assert [key for key, state in states().items() if state == "installed"] == [("country", "testapp_country")]


def test_what_is_not_as_it_should_be_is_named_and_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    run("install")
    name = next(row["function"] for row in json.loads(run("status", "--json")) if (row["entity_type"], row["table"]) == NOTE)
    for damage, state in {
        f"ALTER TABLE testapp_note DISABLE TRIGGER {name}_update": "disabled",
        f"DROP TRIGGER {name}_update ON testapp_note": "outdated",
        f"ALTER FUNCTION {name}() SECURITY INVOKER": "outdated",
        f"ALTER FUNCTION {name}() RESET search_path": "outdated",
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NULL; END'": "outdated",
        f"CREATE TRIGGER another AFTER DELETE ON testapp_note EXECUTE FUNCTION {name}()": "outdated",
        f"CREATE TRIGGER {name}_update AFTER DELETE ON testapp_room EXECUTE FUNCTION {name}()": "outdated",
        f"DROP FUNCTION {name}() CASCADE": "missing",
    }.items():
        sql(damage)
        assert states()[NOTE] == state, damage
        run("install")
        assert set(states().values()) == {"installed"}, damage
    with monkeypatch.context() as patch:
        patch.setattr(type(registry.get("note")), "fields", ("title",))
        registry.get("note").__dict__.pop("watched_fields", None)
        assert states()[NOTE] == "outdated"
    registry.get("note").__dict__.pop("watched_fields", None)


def test_several_hosts_may_install_and_remove_at_once() -> None:
    errors: list[Exception] = []
    start = threading.Barrier(4)

    def act(action: str) -> None:
        try:
            start.wait()
            run(action)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[action]) for action in ("install", "install", "remove", "install")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    run("install")
    assert set(states().values()) == {"installed"}


def test_leftovers_of_what_is_registered_no_more_are_removed() -> None:
    run("install")
    country = registry.get("country")
    registry.unregister("country")
    try:
        assert states()["country", "testapp_country"] == "leftover"
        assert "country              testapp_country                  removed" in run("install")
        assert ("country", "testapp_country") not in states()
    finally:
        registry._by_type["country"] = country


def test_others_triggers_are_left_alone() -> None:
    sql("CREATE FUNCTION embeddingsxonxmine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    sql("CREATE TRIGGER mine AFTER UPDATE ON testapp_note EXECUTE FUNCTION embeddingsxonxmine()")
    try:
        run("install")
        run("remove")
        sql("DROP TRIGGER mine ON testapp_note")
    finally:
        sql("DROP FUNCTION embeddingsxonxmine() CASCADE")


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_each_database_has_its_own() -> None:
    with override_settings(EMBEDDINGS_DATABASES=("default", "other")):
        try:
            run("install", "--database", "other")
            assert (count_triggers("default"), count_triggers("other") > 20) == (0, True)
            run("install")
            assert {row["database"] for row in json.loads(run("status", "--json"))} == {"default", "other"}
        finally:
            run("remove")
        assert (count_triggers("default"), count_triggers("other")) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["destroy"], "invalid choice: 'destroy'"),
        (["install", "--type", "ship"], "Unknown entity type 'ship'"),
        (["status", "--database", "moon"], "not in 'moon'"),
    ],
)
def test_it_says_in_a_sentence_what_is_wrong(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)


def test_without_our_tables_it_asks_for_migrate() -> None:
    sql("ALTER TABLE embeddings_fanout RENAME TO hidden")
    try:
        with pytest.raises(CommandError, match=r"Run manage\.py migrate --database default first"):
            run("install")
    finally:
        sql("ALTER TABLE hidden RENAME TO embeddings_fanout")


def warnings() -> list[Any]:
    return [message for message in run_checks(tags=["database"], databases=["default"]) if message.id == "embeddings.W010"]


def test_the_check_asks_for_triggers_where_signals_are_off_and_for_current_ones_always() -> None:
    assert warnings() == []
    with override_settings(EMBEDDINGS_SIGNALS=False):
        (warning,) = warnings()
        assert warning.msg.count("(missing)") == 5 and "embeddings_triggers install" in warning.hint
        run("install")
        assert warnings() == []
    sql("ALTER TABLE testapp_note DISABLE TRIGGER ALL")
    (warning,) = warnings()
    sql("ALTER TABLE testapp_note ENABLE TRIGGER ALL")
    assert "note on testapp_note (disabled)" in warning.msg
