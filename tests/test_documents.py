"""What documents say of the tree itself."""

from __future__ import annotations

import re

import pytest

from tests.processes import ROOT

DOCUMENTS = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("[a-z]*/README.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_test_that_a_document_names_is_there(document: str) -> None:
    named = re.findall(r"`(tests/[\w/.-]*\w)", (ROOT / document).read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []
