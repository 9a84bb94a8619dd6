"""Which jobs of a state are meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

import orjson

from queues.durations import Duration, in_seconds
from queues.jobs.job import Job
from queues.masking import mask_job


class Wanted(TypedDict, total=False):
    """The fields of Filter, as keywords."""

    name: str | None
    error_class: str | None
    older_than: Duration | None
    newer_than: Duration | None
    text: str | None
    owner: str | None


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which jobs. Ages count from the end of the last run; `text` is looked for in the error and in the payload as JSON,
    as they are shown: a masked value that could be found could be guessed letter by letter."""

    name: str | None = None
    error_class: str | None = None
    older_than: Duration | None = None
    newer_than: Duration | None = None
    text: str | None = None
    owner: str | None = None

    def fits(self, job: Job) -> bool:
        facts = ((self.name, job.name), (self.error_class, job.error_class), (self.owner, job.owner))
        if any(wanted not in (None, fact) for wanted, fact in facts):
            return False
        age = (datetime.now(UTC) - job.ended_at).total_seconds() if job.ended_at else 0.0
        if self.older_than is not None and age < in_seconds(self.older_than):
            return False
        if self.newer_than is not None and age > in_seconds(self.newer_than):
            return False
        return not self.text or all(holds(shown.error, shown.data, self.text) for shown in (job, mask_job(job)))

    @property
    def scans(self) -> bool:
        """Whether no index knows: the jobs' hashes must be read."""
        return bool(self.text) or self.older_than is not None or self.newer_than is not None

    @property
    def fits_all(self) -> bool:
        return self == ALL


def holds(error: str, payload: Mapping[str, Any], text: str) -> bool:
    """Whether one of them has the text."""
    return text in error or text in orjson.dumps(payload).decode()


ALL = Filter()
