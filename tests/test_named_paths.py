"""What the documents name exists: files, folders, and what they link to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.processes import ROOT

FOLDERS = ("benchmarks", "docs", "embeddings", "examples", "queues", "tests", "theo")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))])
NAMED = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]+|(?:[\w-]+/)*test_\w+\.py)`")
LINKED = re.compile(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)")
TESTS = [path.as_posix() for path in (ROOT / "tests").rglob("test_*.py")]


def missing(text: str, folder: Path) -> list[str]:
    """A test may be named by the end of its path."""
    named = [name for name in NAMED.findall(text) if not (ROOT / name).exists() and not any(test.endswith(f"/{name}") for test in TESTS)]
    return named + [link for link in LINKED.findall(text) if not (folder / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_and_links_to_exists(document: Path) -> None:
    assert missing(document.read_text(), document.parent) == []


def test_every_picture_is_linked_to() -> None:
    linked = {(path.parent / link).resolve() for path in DOCUMENTS for link in LINKED.findall(path.read_text())}
    assert [path.name for path in (ROOT / "docs").rglob("*.png") if path.resolve() not in linked] == []


def test_what_is_not_there_is_found() -> None:
    text = "`tests/queues/test_gone.py` `operations/test_alerts.py` `test_gone.py` `rq:ext:` [a](gone.md#there) [b](#here) [c](README.md)"
    assert missing(text, ROOT) == ["tests/queues/test_gone.py", "test_gone.py", "gone.md"]
