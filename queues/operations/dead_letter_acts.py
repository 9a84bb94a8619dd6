"""What can be done with a group of dead letters: those of one job name that died of one error class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from queues.exceptions import JobNotFound
from queues.jobs.states import State
from queues.store import keys
from queues.store.connection import translated
from queues.store.fields import moment, text
from queues.store.finding.filters import Filter
from queues.store.finding.matching import matching_ids
from queues.store.queue import Queue, get_queue
from queues.store.slices import in_slices

PART = 5000
"""Jobs whose hashes one round trip reads."""
FEW = 20_000
"""So many dead letters of a queue are looked through one by one for those of a group; of more, the index is asked."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an act: `done` of the `expected` dead letters; the others were not there any more."""

    expected: int
    done: int

    @property
    def changed(self) -> int:
        return self.expected - self.done


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
    ended = moment(text(ended_at))
    return until is not None and ended is not None and ended > until
