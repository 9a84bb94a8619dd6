"""embeddings/README.md, run: every Python block on real servers; and nothing of the public interface left out of it."""

import os
import re
import shlex
import sys
import unittest
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command, get_commands, load_command_class
from django.test import override_settings

import embeddings
from embeddings import checks, testing
from embeddings.conf import EmbeddingsSettings
from embeddings.exceptions import ProviderError, ProviderUnavailable
from embeddings.models import DirtyEntity
from embeddings.registering.registry import registry
from embeddings.testing import fake_provider, run_pending
from queues.checks.queues import check_queues
from tests.processes import ROOT
from tests.readme import Block, read_blocks
from tests.testapp.models import Note

PAGE = ROOT / "embeddings" / "README.md"
TEXT = PAGE.read_text()
ARCHIVE, OTHER = "archive", "other"
"""The page's second database, and the tests'."""


BLOCKS = [replace(block, source=block.source.replace(ARCHIVE, OTHER)) for block in read_blocks(PAGE)]
REGISTERING = next(block for block in BLOCKS if "@register(Note)" in block.source)
COMMAND_LINES = re.findall(r"^python manage\.py (embeddings_[^\n#]+?) *(?:#.*)?$", TEXT, re.M)
COMMANDS = {name for name, app in get_commands().items() if name.startswith("embeddings_") and app == "embeddings"}


@pytest.fixture(autouse=True)
def yourapp(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's application is the tests', with no embeddables but the page's own."""
    package, models = ModuleType("yourapp"), ModuleType("yourapp.models")
    models.Note = Note  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "yourapp", package)
    monkeypatch.setitem(sys.modules, "yourapp.models", models)
    monkeypatch.setattr(registry, "_by_type", {})


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    return {"__name__": "readme", "os": os}


@pytest.fixture
def ann(names: dict[str, Any]) -> Iterator[User]:
    """`user` and `note` of the page, embedded, in both databases."""
    REGISTERING.run({})
    with override_settings(EMBEDDINGS_DATABASES=("default", OTHER)), fake_provider():
        for using in (OTHER, "default"):
            user = User(pk=1, username="ann")
            user.save(using=using)
            for title in ("The heart doctor", "A doctor for the eyes"):
                names["note"] = Note.objects.using(using).create(author=user, title=title)
        names["user"] = user
        run_pending()
        yield user


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.check and "@register" in block.source], ids=str)
def test_a_registration_is_accepted(block: Block, names: dict[str, Any]) -> None:
    block.run(names)
    assert registry.get("note").model is Note
    assert list(checks.check_embeddables()) == []


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.check == "settings"], ids=str)
def test_settings_are_accepted(block: Block, names: dict[str, Any], settings: Any) -> None:
    before = set(names)
    block.run(names)
    for name in set(names) - before - {"__builtins__", "INSTALLED_APPS", "RQ"}:
        setattr(settings, name, {**settings.RQ_QUEUES, **names[name]} if name == "RQ_QUEUES" else names[name])
    assert [found for found in (*checks.check_provider(), *check_queues()) if found.id and ".E" in found.id] == []


@pytest.mark.django_db(transaction=True, databases=["default", OTHER])
@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.check not in ("settings", "unittest", "pytest") and "@register" not in block.source],
)
def test_a_block_runs(block: Block, ann: User, names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    block.run(names)
    CHECKS[block.check](names, capsys.readouterr().out)


def nothing(names: dict[str, Any], printed: str) -> None:
    assert not DirtyEntity.objects.exists()


def captured(names: dict[str, Any], printed: str) -> None:
    assert run_pending() == 2


def found(names: dict[str, Any], printed: str) -> None:
    assert [line.split()[0] for line in printed.splitlines()] == ["note", "note"]
    assert "The heart doctor" in printed.splitlines()[0]


def similar(names: dict[str, Any], printed: str) -> None:
    assert len(printed.splitlines()) == 1


def operated(names: dict[str, Any], printed: str) -> None:
    assert "note" in printed


def handled(names: dict[str, Any], printed: str) -> None:
    find, user = names["find"], names["user"]
    assert find(user, " ") == ([], "The query is empty.")
    assert [note.title for note in find(user, "heart")[0]] == ["The heart doctor"]
    with fake_provider() as provider:
        provider.fail(lambda: ProviderUnavailable("away"))
        assert find(user, "heart") == ([], "Search is away for a moment.")


def found_in_archive(names: dict[str, Any], printed: str) -> None:
    assert {hit.entity._state.db for hit in names["hits"]} == {OTHER}


def server(names: dict[str, Any], printed: str) -> None:
    assert "error" not in names, "it ended with the except clause, so it was there"
    assert len(names["server"].requests) == 2


CHECKS: dict[str, Callable[[dict[str, Any], str], None]] = {
    "": nothing,
    "captured": captured,
    "marked": captured,
    "found": found,
    "similar": similar,
    "operated": operated,
    "handled": handled,
    "found_in_archive": found_in_archive,
    "server": server,
}


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.check == "unittest"], ids=str)
def test_test_cases_pass(block: Block, names: dict[str, Any], django_db_setup: None, django_db_blocker: Any) -> None:
    REGISTERING.run({})
    block.run(names)
    cases = [found for found in names.values() if isinstance(found, type) and found.__module__ == "readme"]
    result = unittest.TestResult()
    with django_db_blocker.unblock():
        for case in cases:
            unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert [text for _, text in (*result.errors, *result.failures)] == []
    assert result.testsRun == block.source.count("def test_")


PYTEST = [(block, name) for block in BLOCKS if block.check == "pytest" for name in re.findall(r"def (test_\w+)", block.source)]


@pytest.mark.parametrize(("block", "name"), PYTEST, ids=[name for _, name in PYTEST])
def test_functions_for_pytest_pass(block: Block, name: str, names: dict[str, Any], request: pytest.FixtureRequest) -> None:
    REGISTERING.run({})
    block.run(names)
    test = names[name]
    test(**{argument: request.getfixturevalue(argument) for argument in test.__code__.co_varnames[: test.__code__.co_argcount]})


@pytest.mark.django_db(transaction=True, databases=["default", OTHER])
@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_command_runs(line: str, ann: User) -> None:
    call_command(*shlex.split(line), verbosity=0)


def test_every_python_block_is_found_and_every_mark_is_known() -> None:
    assert len(BLOCKS) == TEXT.count("```python")
    assert {block.check for block in BLOCKS} == {*CHECKS, "settings", "unittest", "pytest"}
    assert TEXT.count("<!-- ") == sum(1 for block in BLOCKS if block.check)


def test_every_public_name_is_on_the_page() -> None:
    words = set(re.findall(r"\w+", TEXT))
    assert {*embeddings.__all__, *testing.__all__} - words == set()


def test_every_setting_and_no_other_is_on_the_page() -> None:
    settings = {f"EMBEDDINGS_{name.upper()}" for name in EmbeddingsSettings.__annotations__}
    assert set(re.findall(r"\bEMBEDDINGS_\w+", TEXT)) == settings


def test_every_command_and_no_other_is_on_the_page() -> None:
    assert set(re.findall(r"\b(embeddings_\w+)", TEXT)) - {"embeddings_disabled"} == COMMANDS


@pytest.mark.parametrize("row", re.findall(r"^\| `(embeddings_\w+ [^`]*)`", TEXT, re.M))
def test_every_option_of_a_command_on_the_page_is_there(row: str) -> None:
    name, options = row.split(" ", 1)
    parser = load_command_class("embeddings", name).create_parser("manage.py", name)
    assert set(re.findall(r"--[\w-]+", options)) - set(parser._option_string_actions) == set()


def test_every_option_of_an_embeddable_is_on_the_page() -> None:
    options = {*embeddings.Embeddable.__annotations__, "content", "should_embed", "metadata", "queryset"}
    assert {name for name in options if f"| `{name}" not in TEXT} == set()


def test_every_error_of_a_provider_is_on_the_page() -> None:
    assert {error.__name__ for error in subclasses(ProviderError)} - set(re.findall(r"\w+", TEXT)) == set()


def subclasses(error: type[Exception]) -> Iterator[type[Exception]]:
    for each in error.__subclasses__():
        yield each
        yield from subclasses(each)
