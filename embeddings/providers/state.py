"""What people are told of a provider: whether it serves, and if not why, since when and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Trouble = Literal["rate_limit", "outage", "circuit"]
TEXTS = {
    "rate_limit": "paused by its rate limit",
    "outage": "out of order",
    "circuit": "cut off by an open circuit",
    "unknown": "unknown",
}


@dataclass(frozen=True, kw_only=True)
class ProviderState:
    """`kind` is None where nothing is wrong, "unknown" where Redis does not say. In trouble, one caller at a time is let through as a
    probe once `retry_in_seconds` are over; its success ends the trouble."""

    provider: str
    model: str
    kind: Trouble | Literal["unknown"] | None = None
    reason: str = ""
    since: datetime | None = None
    failures: int = 0
    retry_in_seconds: float = 0.0

    @property
    def is_in_trouble(self) -> bool:
        return self.kind not in (None, "unknown")

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open: a key, a quota, a permission or the model has to be put right."""
        return self.kind == "circuit"

    @classmethod
    def read(cls, provider: str, model: str, *, trouble: Mapping[bytes, bytes], closed_ms: int) -> ProviderState:
        """From what stands in Redis."""
        text = {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in trouble.items()}
        kinds: dict[str, Trouble] = {"rate_limit": "rate_limit", "outage": "outage", "circuit": "circuit"}
        return cls(
            provider=provider,
            model=model,
            kind=kinds.get(text.get("kind", "")),
            reason=text.get("reason", ""),
            since=_moment(text.get("since", "")),
            failures=_count(text.get("failures", "")),
            retry_in_seconds=max(0, closed_ms) / 1000,
        )

    def __str__(self) -> str:
        if self.kind is None:
            return "serving"
        since = f" since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        next_try = f" (next try in {self.retry_in_seconds:.0f} s)" if self.is_in_trouble else ""
        return f"{TEXTS[self.kind]}{since}: {self.reason}{next_try}"


def _count(text: str) -> int:
    """0 for what our scripts never write."""
    try:
        return int(text)
    except ValueError:  # also of too many digits
        return 0


def _moment(unix_seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(unix_seconds), UTC)
    except (ValueError, OverflowError, OSError):  # no number, or beyond all years
        return None
