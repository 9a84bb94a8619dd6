"""A job as a row of a list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from queues.jobs.job import Job
from queues.masking import mask_job

PREVIEW, ERROR_LINE = 100, 160


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """`job` as it may be shown; `due_at` is that of a delayed one."""

    job: Job
    due_at: datetime | None

    @property
    def error(self) -> str:
        """The first line of its error."""
        lines = self.job.error.splitlines()
        return _shortened(lines[0] if lines else "", ERROR_LINE)

    @property
    def payload(self) -> str:
        """The payload's beginning."""
        return _shortened(json.dumps(self.job.data, ensure_ascii=False, default=str), PREVIEW)


def job_rows(jobs: Iterable[Job], due: Mapping[str, datetime]) -> list[JobRow]:
    return [JobRow(job=mask_job(job), due_at=due.get(job.id)) for job in jobs]


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
