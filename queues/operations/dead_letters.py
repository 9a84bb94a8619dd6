"""Dead letters over all queues, grouped by error class and job name, and what can be done with such a group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from queues.address import describe
from queues.exceptions import JobNotFound, RedisUnavailable
from queues.jobs.states import State
from queues.store import keys, scripts
from queues.store.at_once import at_once
from queues.store.connection import translated
from queues.store.fields import unix_moment
from queues.store.matching import matching_ids
from queues.store.queue import Queue, get_queue
from queues.store.search import Filter
from queues.store.servers import by_server

LOOK = 10_000
"""Dead letters that one call looks at, over all queues of a server: bounds how long Redis is held up (25 ms)."""
LEAST_LOOK = 500
MOST_GROUPS = 500
PART = 1000
"""Jobs that one call changes: bounds how long Redis is held up."""
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
    servers = by_server(list(queues) or None)
    for served, rows in zip(servers, at_once(_read_or_error, servers), strict=True):
        if isinstance(rows, RedisUnavailable):
            failures |= {queue.name: f"{describe(queue.config)}: {rows}" for queue in served}
            continue
        for queue, (total, seen, *facts) in zip(served, rows, strict=True):
            if total > seen:
                looked[queue.name] = seen, total
            for group in _groups(queue.name, facts):
                key = group.error_class, group.name
                if name in (None, group.name) and error_class in (None, group.error_class):
                    found[key] = found[key] + group if key in found else group
    if servers and len(failures) == sum(map(len, servers)):
        raise RedisUnavailable("; ".join(dict.fromkeys(failures.values())))
    ordered = sorted(found.values(), key=lambda group: group.last_at.timestamp() if group.last_at else 0.0, reverse=True)
    return DeadLetters(groups=tuple(ordered), looked=looked, failures=failures)


def count_group(queues: Iterable[str], *, name: str, error_class: str) -> int:
    """How many dead letters of the group there are. Raises JobNotFound where there is none."""
    count = sum(1 for each in queues for _ in _ids(get_queue(each), name, error_class))
    if not count:
        raise JobNotFound(f"No dead letter of {name or 'an unnamed job'} with {error_class or 'an unknown error'} is kept any more.")
    return count


def retry_group(queues: Iterable[str], *, name: str, error_class: str, expected: int) -> Outcome:
    """Retries the `expected` dead letters of the group that died first, so that none joins that nobody saw."""
    return _act(Queue.retry_many, queues, name, error_class, expected)


def remove_group(queues: Iterable[str], *, name: str, error_class: str, expected: int) -> Outcome:
    """Deletes them; what was retried meanwhile stays."""
    return _act(lambda queue, ids: queue.remove_many(ids, State.FAILED), queues, name, error_class, expected)


def _act(act: Callable[[Queue, list[str]], int], queues: Iterable[str], name: str, error_class: str, expected: int) -> Outcome:
    found = done = 0
    for queue in map(get_queue, queues):
        ids = list(islice(_ids(queue, name, error_class), max(0, expected - found)))
        found += len(ids)
        done += act(queue, ids)
    return Outcome(expected=expected, done=done)


def _ids(queue: Queue, name: str, error_class: str) -> Iterator[str]:
    """Those that died first come first. Where plain RQ left no name or class, their hashes are read."""
    with translated():
        is_small = int(queue.connection.zcard(keys.failed(queue.name))) <= FEW  # then what no index knows yet is found too
    wanted = Filter(name=name or None, error_class=error_class or None)
    ids = matching_ids(queue, State.FAILED, wanted, source="state" if is_small else "")
    if name and error_class:
        yield from ids
        return
    facts_wanted = [b"failed", name.encode(), error_class.encode()]
    while part := list(islice(ids, PART)):
        with translated(), queue.connection.pipeline(transaction=False) as pipeline:
            for job_id in part:
                pipeline.hmget(keys.job(job_id), "status", "name", "error_class")
            found = pipeline.execute()
        yield from (job_id for job_id, facts in zip(part, found, strict=True) if [fact or b"" for fact in facts] == facts_wanted)


def _read(queues: Sequence[Queue]) -> list[Any]:
    look = max(LEAST_LOOK, LOOK // len(queues))
    with translated():
        return list(scripts.dead(queues[0].connection, look, MOST_GROUPS, [queue.name for queue in queues]))


def _read_or_error(queues: Sequence[Queue]) -> list[Any] | RedisUnavailable:
    try:
        return _read(queues)
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
