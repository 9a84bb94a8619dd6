"""`manage.py queue_cancel`: stops jobs by id."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from queues.control import cancel_job
from queues.exceptions import QueuesError
from queues.jobs.states import State

WORDS = {
    State.WAITING: "cancelled before it ran; it is among the failed jobs now",
    State.DELAYED: "cancelled before it ran; it is among the failed jobs now",
    State.ACTIVE: "running; its worker was told to stop it",
    None: "had ended",
}


class Command(BaseCommand):
    help = "Stops jobs: a waiting or delayed one becomes a dead letter, a running one is told to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="+", metavar="id", help="ids of jobs, as queue_jobs lists them")

    def handle(self, *, ids: list[str], **options: Any) -> None:
        for job_id in ids:
            try:
                self.stdout.write(f"{job_id}: {WORDS[cancel_job(job_id)]}")
            except QueuesError as error:
                raise CommandError(str(error)) from error
