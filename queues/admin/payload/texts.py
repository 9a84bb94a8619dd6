"""JSON as it is shown, and texts as browsers send them back."""

from __future__ import annotations

import json
from typing import Any


def json_text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def with_plain_lines(text: Any) -> str:
    """With line ends as they were before a browser sent them."""
    return str(text or "").replace("\r\n", "\n").replace("\r", "\n")


def normal(text: Any) -> str:
    """As a browser sends back what it was shown, NUL included."""
    return with_plain_lines(text).replace("\0", "\N{REPLACEMENT CHARACTER}")
