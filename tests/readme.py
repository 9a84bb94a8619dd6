"""The Python of a page, to be run as it stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PARTS = re.compile(r"^## (?P<section>[^\n]+)$|^(?:<!-- test: (?P<check>\S+) -->\n)?```python\n(?P<source>.*?)^```$", re.M | re.S)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block: `check` names a function of the page's tests that runs after it, or instead of it."""

    page: Path
    section: str
    line: int
    source: str
    check: str = ""

    def __str__(self) -> str:
        return f"line-{self.line}"

    def run(self, names: dict[str, Any]) -> None:
        """Under the page's own line numbers."""
        exec(compile("\n" * self.line + self.source, str(self.page), "exec", dont_inherit=True), names)


def read_blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    section = "Introduction"
    for found in PARTS.finditer(text):
        if found["section"]:
            section = found["section"]
            continue
        line = text.count("\n", 0, found.start("source"))
        yield Block(page=page, section=section, line=line, source=found["source"], check=found["check"] or "")
