"""Acting on a group of very many dead letters: a job of this app itself, on the queue of the clean-up."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from queues.decorators import job
from queues.jobs.job import Job
from queues.jobs.registry import registry
from queues.jobs.running import current_job, report_progress
from queues.operations.bulk import PATIENT, besides, bulk_queue, write_audit
from queues.operations.dead_letter_acts import act_on_group
from queues.publish import add_job
from queues.store.connection import patiently

BULK_DEAD_LETTERS = "bulk-dead-letters"


class BulkDeadLetters(BaseModel):
    """What to do with which group, and who asked for it. See act_on_group. `words` and `object_id` are for the audit."""

    action: Literal["retry", "remove"]
    queues: list[str]
    name: str = ""
    error_class: str = ""
    expected: int
    until: datetime
    words: str = ""
    object_id: str = ""
    user_id: str = ""
    user_name: str = ""


def register() -> None:
    """Registers the job as Django starts, unless there is no queue."""
    if queue := bulk_queue():
        job(name=BULK_DEAD_LETTERS, queue=queue, **PATIENT)(bulk_dead_letters)


def enqueue(payload: BulkDeadLetters) -> Job:
    """Leaves it to the job, and returns that. Raises RedisUnavailable."""
    return add_job(registry.get(BULK_DEAD_LETTERS).queue, BULK_DEAD_LETTERS, payload.model_dump(mode="json"))


@patiently()
def bulk_dead_letters(payload: BulkDeadLetters) -> dict[str, int]:
    """Tells how far it is in percent. Another attempt goes on where one was cut off, as what was retried is not dead any more, or died
    after `until`. Returns how many it met of those that were there."""
    here, looked, met = current_job(), 0, 0
    facts = payload.model_dump(include={"name", "error_class", "expected", "until"})
    for count, done in act_on_group(payload.action, payload.queues, **facts):
        looked, met = looked + count, met + done
        if here:
            report_progress(round(100 * min(1.0, looked / payload.expected)))
    message = f"Job {here.id if here else ''}: {payload.action}, {met} of {payload.expected} ({payload.words})"
    write_audit(payload.user_id, payload.user_name, "DeadLetter", payload.object_id, message + besides(here))
    return {"matched": looked, "done": met}
