"""The past runs of a schedule with what has become of their jobs, in two round trips."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from queues.jobs.job import Job
from queues.masking import mask_job
from queues.operations.schedules import ScheduleInfo
from queues.store.queue import get_queue
from queues.store.schedules import PastRun


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run; `job`, as it may be shown, is None where it is gone."""

    run: PastRun
    job: Job | None

    @property
    def outcome(self) -> str:
        if self.run.is_skipped:
            return _("none added: this job still waited")
        return self.job.state.value if self.job else _("removed or trimmed since")


def read_past_runs(schedule: ScheduleInfo) -> list[RunRow]:
    """The latest first. Raises RedisUnavailable."""
    runs = schedule.past_runs()
    jobs = {job.id: mask_job(job) for job in get_queue(schedule.queue).fetch({run.job_id for run in runs})}
    return [RunRow(run=run, job=jobs.get(run.job_id)) for run in runs]
