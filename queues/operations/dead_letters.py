"""Dead letters over all queues, grouped by error class and job name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from queues.exceptions import RedisUnavailable
from queues.store import scripts
from queues.store.at_once import at_once
from queues.store.connection import translated
from queues.store.fields import text, unix_moment
from queues.store.servers import Server, servers

LOOK = 10_000
"""Dead letters that one call looks at, over all queues of a server: bounds how long Redis is held up (25 ms)."""
LEAST_LOOK = 500
MOST_GROUPS = 500
FACTS = 9


@dataclass(frozen=True, kw_only=True)
class DeadLetterGroup:
    """Jobs of one name that died of one error class, over `queues`. `kept` can still be retried or removed; there may be more of them
    where `has_more`. The others count deaths, by the clock's hours: the present one and the 1, 24 or 168 before. Times are UTC."""

    error_class: str
    name: str
    queues: tuple[str, ...] = ()
    kept: int = 0
    has_more: bool = False
    last_hour: int = 0
    last_day: int = 0
    last_week: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    def __add__(self, other: DeadLetterGroup) -> DeadLetterGroup:
        """The same group in more queues."""
        return replace(
            self,
            queues=(*self.queues, *other.queues),
            has_more=self.has_more or other.has_more,
            first_at=min((each for each in (self.first_at, other.first_at) if each), default=None),
            last_at=max((each for each in (self.last_at, other.last_at) if each), default=None),
            **{count: getattr(self, count) + getattr(other, count) for count in ("kept", "last_hour", "last_day", "last_week")},
        )


@dataclass(frozen=True, kw_only=True)
class DeadLetters:
    """The groups, the last to die first. `looked` tells of which queues only so many of how many dead letters were looked at, and
    `failures` of which queues could not be read, and why: their Redis does not answer, or a stranger's key stands in the queue."""

    groups: tuple[DeadLetterGroup, ...] = ()
    looked: dict[str, tuple[int, int]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def get_dead_letters(queues: Iterable[str] = (), *, name: str | None = None, error_class: str | None = None) -> DeadLetters:
    """Of these queues, or all; of this job name or error class alone, where given. One round trip a server, however many jobs there are.

    Raises UnknownQueue; RedisUnavailable where no queue could be read.
    """
    found: dict[tuple[str, str], DeadLetterGroup] = {}
    looked: dict[str, tuple[int, int]] = {}
    failures: dict[str, str] = {}
    asked = servers(list(queues) or None)
    for server, rows in zip(asked, at_once(_read_or_error, asked), strict=True):
        if isinstance(rows, RedisUnavailable):
            failures |= dict.fromkeys(server.names, f"{server.where}: {rows}")
            continue
        for queue, (total, *facts) in zip(server.names, rows, strict=True):
            if not facts:
                failures[queue] = f"{server.where}: {text(total)}"
                continue
            seen, *facts = facts
            if total > seen:
                looked[queue] = seen, total
            for group in _groups(queue, facts):
                key = group.error_class, group.name
                if name in (None, group.name) and error_class in (None, group.error_class):
                    found[key] = found[key] + group if key in found else group
    if asked and len(failures) == sum(len(server.names) for server in asked):
        raise RedisUnavailable("; ".join(dict.fromkeys(failures.values())))
    ordered = sorted(found.values(), key=lambda group: group.last_at.timestamp() if group.last_at else 0.0, reverse=True)
    return DeadLetters(groups=tuple(ordered), looked=looked, failures=failures)


def _read_or_error(server: Server) -> list[Any] | RedisUnavailable:
    look = max(LEAST_LOOK, LOOK // len(server.names))
    try:
        with translated():
            return list(scripts.dead(server.connection, look, MOST_GROUPS, server.names))
    except RedisUnavailable as error:
        return error


def _groups(queue: str, facts: Sequence[Any]) -> Iterator[DeadLetterGroup]:
    for at in range(0, len(facts), FACTS):
        error_class, name, kept, has_more, hour, day, week, first, last = facts[at : at + FACTS]
        yield DeadLetterGroup(
            error_class=error_class.decode(errors="replace"),
            name=name.decode(errors="replace"),
            queues=(queue,),
            kept=kept,
            has_more=has_more == b"1",
            last_hour=hour,
            last_day=day,
            last_week=week,
            first_at=unix_moment(first),
            last_at=unix_moment(last),
        )
