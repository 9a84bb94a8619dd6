"""Schedules as people see and steer them: when each comes next, run it now, disable it, what it did."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from queues import signals
from queues.exceptions import UnknownSchedule
from queues.jobs.job import Job
from queues.jobs.registry import Definition, registry
from queues.jobs.schedule import Schedule
from queues.jobs.states import State
from queues.operations.schedule_words import describe
from queues.publish import prepare
from queues.store import schedules as store
from queues.store.new_jobs import NewJob
from queues.store.queue import Queue, get_queue
from queues.store.schedules import PastRun, ScheduleState
from queues.store.servers import servers

Planned = tuple[Definition, Schedule]


@dataclass(frozen=True, kw_only=True)
class ScheduleInfo:
    """A schedule at one moment. Times are aware UTC datetimes; `next_at` is None while it is disabled. Methods raise RedisUnavailable."""

    name: str
    job: str
    queue: str
    schedule: Schedule
    next_at: datetime | None
    last_at: datetime | None
    last_job_id: str
    is_disabled: bool

    @property
    def words(self) -> str:
        """When it runs: `every 5 minutes`, `cron 30 5 * * mon (Europe/Budapest)`."""
        return self.schedule.words

    @property
    def description(self) -> str:
        """The same as a sentence, in the language of who reads: `At 05:30, only on Monday (Europe/Budapest)`."""
        return describe(self.schedule)

    def run_now(self) -> Job:
        """Adds a run at once, also of a disabled schedule; the slots stay as they are. A run that waits is returned instead."""
        new = new_run(registry.get(self.job), self.schedule)
        job_id = store.add_run(self._queue.connection, self.schedule, new.arguments())
        return announce_run(new, job_id)

    def disable(self) -> None:
        """No slot leads to a run until it is enabled. Kept in Redis, for all workers."""
        store.disable(self._queue.connection, self.name)

    def enable(self) -> None:
        """Goes on with its next slot; what it missed meanwhile is not made up for."""
        store.enable(self._queue.connection, self.name)

    def past_runs(self, limit: int = 50) -> list[PastRun]:
        """The latest first; 50 are kept."""
        return store.read_runs(self._queue.connection, self.name, limit)

    @property
    def _queue(self) -> Queue:
        return get_queue(self.queue)


def get_schedules() -> list[ScheduleInfo]:
    """All schedules of registered jobs, by name: one round trip per Redis. Raises RedisUnavailable."""
    found: list[ScheduleInfo] = []
    for server in servers({definition.queue for definition, _ in planned()}):
        here = planned(server.names)
        found += infos(here, store.read_states(server.connection, [schedule.name for _, schedule in here]))
    return sorted(found, key=lambda info: info.name)


def planned(queues: Container[str] | None = None) -> list[Planned]:
    """What the code plans, for all queues or for these, with the job of each schedule."""
    wanted = (definition for definition in registry if queues is None or definition.queue in queues)
    return [(definition, schedule) for definition in wanted for schedule in definition.schedules]


def infos(pairs: Iterable[Planned], states: Iterable[ScheduleState]) -> list[ScheduleInfo]:
    """What is planned with what stands of it in Redis."""
    return [_info(definition, schedule, state) for (definition, schedule), state in zip(pairs, states, strict=True)]


def get_schedule(name: str) -> ScheduleInfo:
    """Raises UnknownSchedule, RedisUnavailable."""
    known = {schedule.name: (definition, schedule) for definition, schedule in planned()}
    if name not in known:
        raise UnknownSchedule(name, list(known))
    definition, schedule = known[name]
    (state,) = store.read_states(get_queue(definition.queue).connection, [name])
    return _info(definition, schedule, state)


def new_run(definition: Definition, schedule: Schedule) -> NewJob:
    """The job of one run. While one waits, its key keeps another from being added."""
    return prepare(definition.queue, definition.name, schedule.data, dedupe=f"schedule:{schedule.name}")


def announce_run(new: NewJob, job_id: str) -> Job:
    """The stored run; `added` is sent for it unless it is one that waited already."""
    job = replace(new.job, id=job_id, state=State.WAITING)
    if job_id == new.job.id:
        signals.added.send_robust(sender=Job, job=job)
    return job


def _info(definition: Definition, schedule: Schedule, state: ScheduleState) -> ScheduleInfo:
    return ScheduleInfo(
        name=schedule.name,
        job=definition.name,
        queue=definition.queue,
        schedule=schedule,
        next_at=None if state.is_disabled else datetime.fromtimestamp(schedule.next_slot(state.now.timestamp()), UTC),
        last_at=state.last_at,
        last_job_id=state.last_job_id,
        is_disabled=state.is_disabled,
    )
