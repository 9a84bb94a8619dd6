"""`manage.py queue_jobs`: looking into a queue, or at one job whole."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from queues.control import get_job
from queues.exceptions import QueuesError
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.management.arguments import open_queues, whole_number
from queues.management.job_report import due_times, job_document, job_report, job_table
from queues.management.tables import json_text
from queues.masking import mask_job
from queues.store.connection import patiently
from queues.store.finding.filters import Filter
from queues.store.finding.matching import find_jobs

LISTED = [State.ACTIVE, State.WAITING, State.DELAYED, State.FAILED, State.COMPLETED]


class Command(BaseCommand):
    help = "Lists jobs of a queue, or shows one job with its payload, log and attempts. Fields that QUEUES_MASKED_FIELDS names are masked."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", nargs="?", help="a name from RQ_QUEUES")
        parser.add_argument("--id", dest="job_id", metavar="ID", help="show this job, of whichever queue")
        parser.add_argument("--state", choices=[state.value for state in LISTED], help="only jobs in this state; of all states by default")
        parser.add_argument("--name", help="only jobs of this name")
        parser.add_argument("--owner", help="only jobs of this owner")
        parser.add_argument("--error-class", help="only jobs whose last error is of this class, such as ValueError")
        parser.add_argument("--text", help="only jobs with this in their error or payload")
        parser.add_argument("--limit", type=whole_number, default=50, help="at most so many; 50 by default, 0 is no limit")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    @patiently()
    def handle(self, *, queue: str | None, job_id: str | None, json: bool, **options: Any) -> None:
        if (queue is None) == (job_id is None):
            raise CommandError("Name either a queue or a job: queue_jobs QUEUE, or queue_jobs --id ID.")
        try:
            if job_id is not None:
                job = get_job(job_id)
                self.stdout.write(json_text(job_document(job)) if json else job_report(job))
            elif queue is not None:
                self.stdout.write(_list(queue, json=json, **options))
        except QueuesError as error:
            raise CommandError(str(error)) from error


def _list(queue_name: str, *, json: bool, state: str | None, limit: int, **options: Any) -> str:
    (queue,) = open_queues([queue_name])
    wanted = {field: options[field] for field in ("name", "owner", "error_class", "text")}
    found = (job for each in ([State(state)] if state else LISTED) for job in find_jobs(queue, each, Filter(**wanted)))
    jobs: list[Job] = [mask_job(job) for job in islice(found, limit or None)]
    due = due_times(queue, jobs)
    if json:
        return json_text([{**asdict(job), "due_at": due.get(job.id)} for job in jobs])
    return job_table(jobs, due) if jobs else "No job fits." if any(wanted.values()) or state else f"{queue_name} is empty."
