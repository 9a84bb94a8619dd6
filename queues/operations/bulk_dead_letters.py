"""Acting on a group of very many dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from queues.jobs.running import current_job, report_progress
from queues.operations import left_to_a_job
from queues.operations.dead_letter_acts import act_on_group
from queues.store.connection import patiently

BULK_DEAD_LETTERS = "bulk-dead-letters"


class BulkDeadLetters(left_to_a_job.Asked):
    """What to do with which group: see act_on_group. `words` and `object_id` are for the audit."""

    action: Literal["retry", "remove"]
    queues: list[str]
    name: str = ""
    error_class: str = ""
    expected: int
    until: datetime
    words: str = ""
    object_id: str = ""


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
    words = f"{payload.action}, {met} of {payload.expected} ({payload.words})"
    left_to_a_job.write_audit(payload, here, "DeadLetter", payload.object_id, words)
    return {"matched": looked, "done": met}
