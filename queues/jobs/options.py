"""What one enqueue may ask for, besides the job's own definition."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict

from queues.durations import Duration, check_delay, in_seconds
from queues.jobs.backoff import Backoff, encode_backoff

PRIORITY_LIMIT = 2097151
MAX_KEY_CHARACTERS = 500
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")


@dataclass(frozen=True, kw_only=True)
class Keep:
    """How many ended jobs a queue keeps: the newest `count`, none older than `age`. None is no limit."""

    count: int | None = None
    age: Duration | None = None

    def __post_init__(self) -> None:
        if (self.count is not None and self.count < 0) or (self.age is not None and in_seconds(self.age) < 0):
            raise ValueError(f"cannot keep {self.count} jobs of the last {self.age}")

    @classmethod
    def parse(cls, value: int | Keep | Mapping[str, Any]) -> Keep:
        """A count, a Keep, or {"count": 100, "age": 3600} as settings have it. Raises ValueError."""
        if isinstance(value, Keep):
            return value
        if isinstance(value, Mapping) and value and set(value) <= {"count", "age"}:
            return cls(**value)
        if isinstance(value, int) and not isinstance(value, bool):
            return cls(count=value)
        raise ValueError(f'{value!r} is neither a number of jobs nor {{"count": ..., "age": seconds}}')

    def __str__(self) -> str:
        """As the scripts read it: `count:age in seconds`, each may be empty."""
        count = "" if self.count is None else self.count
        age = "" if self.age is None else int(in_seconds(self.age))
        return f"{count}:{age}"


@dataclass(frozen=True)
class Debounce:
    """A dedupe key with a window: the job runs `window` after the last add, with that one's payload."""

    key: str
    window: Duration

    def __post_init__(self) -> None:
        if not self.key or check_delay(self.window) <= 0:
            raise ValueError("debounce needs a key and a window of more than 0 seconds")


Dedupe = str | Debounce | Callable[[Mapping[str, Any]], "str | Debounce | None"] | None


class AddOptions(TypedDict, total=False):
    """The keywords of add_job, add_jobs and `.using()`: see add_job."""

    delay: Duration | None
    priority: int
    attempts: int | None
    backoff: Backoff | Duration | None
    job_id: str | None
    dedupe: Dedupe
    keep_completed: int | Keep | None
    keep_failed: int | Keep | None
    using: str | None


@dataclass(frozen=True, kw_only=True)
class Options:
    """The same, checked. Raises ValueError for what is out of range."""

    delay: Duration | None = None
    priority: int = 0
    attempts: int | None = None
    backoff: Backoff | Duration | None = None
    job_id: str | None = None
    dedupe: Dedupe = None
    keep_completed: int | Keep | None = None
    keep_failed: int | Keep | None = None

    def __post_init__(self) -> None:
        if not is_whole(self.priority) or not -PRIORITY_LIMIT <= self.priority <= PRIORITY_LIMIT:
            raise ValueError(f"priority must be a whole number from {-PRIORITY_LIMIT} to {PRIORITY_LIMIT}, not {self.priority}")
        if self.attempts is not None and (not is_whole(self.attempts) or self.attempts < 1):
            raise ValueError(f"attempts must be a whole number, at least 1, not {self.attempts!r}")
        if self.job_id is not None and not (isinstance(self.job_id, str) and JOB_ID.fullmatch(self.job_id)):
            raise ValueError(f"job_id may have letters, digits, _ and -, at most 200 of them, not {self.job_id!r}")
        check_delay(self.delay)
        self.fields  # noqa: B018  # checks them too

    @cached_property
    def fields(self) -> dict[str, str]:
        """What the job's hash keeps of them, besides what every job has."""
        found: dict[str, str] = {}
        if self.backoff is not None:
            found["backoff"] = encode_backoff(self.backoff)
        if self.keep_completed is not None:
            found["keep_completed"] = str(Keep.parse(self.keep_completed))
        if self.keep_failed is not None:
            found["keep_failed"] = str(Keep.parse(self.keep_failed))
        return found

    def dedupe_of(self, payload: Mapping[str, Any]) -> tuple[str, float]:
        """The key, empty for none, and its window in seconds, 0 for none. Raises ValueError for what is no key."""
        found = self.dedupe(payload) if callable(self.dedupe) else self.dedupe
        key, window = (found.key, check_delay(found.window)) if isinstance(found, Debounce) else ("" if found is None else found, 0.0)
        if not isinstance(key, str):
            raise ValueError(f"dedupe must be a string, Debounce(key, window), or a function that gives one of them, not {found!r}")
        if len(key) > MAX_KEY_CHARACTERS or not is_utf8(key):
            raise ValueError(f"a dedupe key may have {MAX_KEY_CHARACTERS} characters that UTF-8 can say, not {key[:80]!r}")
        return key, window


def is_utf8(text: str) -> bool:
    """Whether it has no half of a surrogate pair, as file names and mail headers have them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_whole(value: object) -> bool:
    """Whether it is an int, members of an IntEnum included; True is none."""
    return isinstance(value, int) and not isinstance(value, bool)
