"""Dead letters over all queues, grouped by error class and job name, and what can be done with such a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from queues.exceptions import JobNotFound, RedisUnavailable
from queues.jobs.states import State
from queues.store import keys, scripts
from queues.store.at_once import at_once
from queues.store.bulk import in_slices
from queues.store.connection import translated
from queues.store.fields import moment, unix_moment
from queues.store.finding.filters import Filter
from queues.store.finding.matching import matching_ids
from queues.store.queue import Queue, get_queue
from queues.store.servers import Server, servers

LOOK = 10_000
"""Dead letters that one call looks at, over all queues of a server: bounds how long Redis is held up (25 ms)."""
LEAST_LOOK = 500
MOST_GROUPS = 500
PART = 5000
"""Jobs whose hashes one round trip reads."""
FEW = 20_000
"""So many dead letters of a queue are looked through one by one for those of a group; of more, the index is asked."""
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
    `failures` of which queues the Redis did not answer, and how."""

    groups: tuple[DeadLetterGroup, ...] = ()
    looked: dict[str, tuple[int, int]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an act: `done` of the `expected` dead letters; the others were not there any more."""

    expected: int
    done: int

    @property
    def changed(self) -> int:
        return self.expected - self.done


def get_dead_letters(queues: Iterable[str] = (), *, name: str | None = None, error_class: str | None = None) -> DeadLetters:
    """Of these queues, or all; of this job name or error class alone, where given. One round trip a server, however many jobs there are.

    Raises UnknownQueue; RedisUnavailable where no server answers.
    """
    found: dict[tuple[str, str], DeadLetterGroup] = {}
    looked: dict[str, tuple[int, int]] = {}
    failures: dict[str, str] = {}
    asked = servers(list(queues) or None)
    for server, rows in zip(asked, at_once(_read_or_error, asked), strict=True):
        if isinstance(rows, RedisUnavailable):
            failures |= dict.fromkeys(server.names, f"{server.where}: {rows}")
            continue
        for queue, (total, seen, *facts) in zip(server.names, rows, strict=True):
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


def count_group(queues: Iterable[str], *, name: str, error_class: str) -> int:
    """How many dead letters of the group there are. Raises JobNotFound where there is none."""
    count = sum(1 for each in queues for _ in _ids(get_queue(each), name, error_class))
    if not count:
        raise JobNotFound(f"No dead letter of {name or 'an unnamed job'} with {error_class or 'an unknown error'} is kept any more.")
    return count


def retry_group(queues: Iterable[str], *, name: str, error_class: str, expected: int, until: datetime | None = None) -> Outcome:
    """Retries the `expected` dead letters of the group that died first, none of which died after `until`: so none joins that nobody
    saw."""
    steps = act_on_group("retry", queues, name=name, error_class=error_class, expected=expected, until=until)
    return Outcome(expected=expected, done=sum(done for _, done in steps))


def remove_group(queues: Iterable[str], *, name: str, error_class: str, expected: int, until: datetime | None = None) -> Outcome:
    """Deletes them; what was retried meanwhile stays."""
    steps = act_on_group("remove", queues, name=name, error_class=error_class, expected=expected, until=until)
    return Outcome(expected=expected, done=sum(done for _, done in steps))


def act_on_group(
    action: str, queues: Iterable[str], *, name: str, error_class: str, expected: int, until: datetime | None
) -> Iterator[tuple[int, int]]:
    """The same step by step: how many dead letters each looked at, and how many it met."""
    left = expected
    for queue in map(get_queue, queues):
        ids = list(islice(_ids(queue, name, error_class, until), max(0, left)))
        left -= len(ids)
        for part in in_slices(ids):
            yield len(part), queue.retry_many(part) if action == "retry" else queue.remove_many(part, State.FAILED)


def _ids(queue: Queue, name: str, error_class: str, until: datetime | None = None) -> Iterator[str]:
    """Those that died first come first. Where plain RQ left no name or class, and for when they died, their hashes are read."""
    with translated():
        is_small = int(queue.connection.zcard(keys.failed(queue.name))) <= FEW  # then what no index knows yet is found too
    wanted = Filter(name=name or None, error_class=error_class or None)
    ids = matching_ids(queue, State.FAILED, wanted, source="state" if is_small else "")
    if name and error_class and until is None:
        yield from ids
        return
    facts_wanted = [b"failed", name.encode(), error_class.encode()]
    while part := list(islice(ids, PART)):
        with translated(), queue.connection.pipeline(transaction=False) as pipeline:
            for job_id in part:
                pipeline.hmget(keys.job(job_id), "status", "name", "error_class", "ended_at")
            found = pipeline.execute()
        for job_id, (*facts, ended_at) in zip(part, found, strict=True):
            if [fact or b"" for fact in facts] == facts_wanted and not _is_after(ended_at, until):
                yield job_id


def _is_after(ended_at: bytes | None, until: datetime | None) -> bool:
    """Unless it is said when it ended, it was long ago."""
    ended = moment((ended_at or b"").decode(errors="replace"))
    return until is not None and ended is not None and ended > until


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
