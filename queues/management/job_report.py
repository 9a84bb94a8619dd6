"""Jobs on the command line: as rows of a table, and one whole."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from queues.jobs.job import Job
from queues.jobs.states import ENDED, State
from queues.management.tables import age, columns, json_text, span
from queues.masking import Masker
from queues.plain import plain, plain_line
from queues.store import keys
from queues.store.connection import translated
from queues.store.fields import unix_moment
from queues.store.history import Attempt
from queues.store.queue import Queue, get_queue

HEADER = ["id", "name", "state", "owner", "priority", "attempts", "age", ""]
NUMBERS = (4, 5, 6)
NOTE_WIDTH = 60
LOG_TAIL = 20


def due_times(queue: Queue, jobs: Sequence[Job]) -> dict[str, datetime]:
    """When the delayed ones of these jobs are due, by id."""
    delayed = [job.id for job in jobs if job.state is State.DELAYED]
    with translated(), queue.connection.pipeline(transaction=False) as pipeline:
        for job_id in delayed:
            pipeline.zscore(keys.delayed(queue.name), job_id)
        scores = pipeline.execute()
    return {job_id: due for job_id, score in zip(delayed, scores, strict=True) if (due := unix_moment(score))}


def job_table(jobs: Sequence[Job], due: Mapping[str, datetime]) -> str:
    return columns([HEADER, *(_row(job, due.get(job.id)) for job in jobs)], numbers=NUMBERS)


def _row(job: Job, due_at: datetime | None) -> list[str]:
    cells = [plain_line(text, 40) for text in (job.id, job.name, job.state, job.owner or "-")]
    since = job.started_at if job.state is State.ACTIVE else job.ended_at if job.state in ENDED else job.created_at
    return [*cells, str(job.priority), f"{job.attempts_made}/{job.attempts}", age(since), _note(job, due_at)]


def _note(job: Job, due_at: datetime | None) -> str:
    """What the state makes one ask: when a delayed job comes, how far a running one is, why one failed."""
    notes = []
    if due_at is not None:
        seconds = (due_at - datetime.now(UTC)).total_seconds()
        notes.append(f"due in {span(seconds)}" if seconds > 0 else "due")
    if job.state is State.ACTIVE and job.progress is not None:
        notes.append(_progress(job))
    if job.error and job.state is not State.COMPLETED:
        notes.append(job.error)
    return plain_line("; ".join(notes), NOTE_WIDTH)


def _progress(job: Job) -> str:
    is_percentage = isinstance(job.progress, (int, float)) and not isinstance(job.progress, bool)
    return f"{job.progress:g}%" if is_percentage else json_text(job.progress)


def job_document(job: Job) -> dict[str, Any]:
    """All of the job that may be shown, for JSON."""
    due = due_times(get_queue(job.queue), [job])
    shown, log, history = _shown(job)
    return {**asdict(shown), "due_at": due.get(job.id), "log": log, "history": [asdict(attempt) for attempt in history]}


def _shown(job: Job, log_from: int = 0) -> tuple[Job, list[str], list[Attempt]]:
    """The job, its log and its attempts, with masked fields."""
    history = job.attempts_history()
    masker = Masker(job.data, job.progress, *(attempt.result for attempt in history))
    attempts = [replace(attempt, result=masker.data(attempt.result), traceback=masker.text(attempt.traceback)) for attempt in history]
    return masker.job(job), [masker.text(line) for line in job.logs(log_from)], attempts


def job_report(job: Job) -> str:
    """The same for people, with the end of the log."""
    job, lines, attempts = _shown(job, -LOG_TAIL)
    facts = {
        "id": job.id,
        "name": job.name,
        "queue": job.queue,
        "state": f"{job.state}{', its last attempt failed' if job.state is State.DELAYED and job.error else ''}",
        "owner": job.owner,
        "priority": str(job.priority),
        "attempts": f"{job.attempts_made} of {job.attempts}{f', {job.stalls} stalled' if job.stalls else ''}",
        "created": _moment(job.created_at),
        "due": _due(due_times(get_queue(job.queue), [job]).get(job.id)),
        "started": _moment(job.started_at),
        "ended": _moment(job.ended_at),
        "worker": job.worker,
        "progress": "" if job.progress is None else _progress(job),
        "error": job.error,
    }
    head = columns([[name, plain_line(text)] for name, text in facts.items() if text])
    parts = [head, _part("payload", json_text(job.data))]
    if lines:
        parts.append(_part(f"log (its last {len(lines)} lines)" if len(lines) == LOG_TAIL else "log", "\n".join(lines)))
    parts += [_attempt(attempt) for attempt in attempts]
    return "\n\n".join(parts)


def _attempt(attempt: Attempt) -> str:
    title = (
        f"run that {attempt.ending} at {_moment(attempt.ended_at) or 'an unknown time'}, by {plain_line(attempt.worker, 60) or 'nobody'}"
    )
    if attempt.started_at and attempt.ended_at:
        title += f", after {(attempt.ended_at - attempt.started_at).total_seconds():.3f} s"
    result = "" if attempt.result is None else json_text(attempt.result)
    return _part(title, attempt.traceback.strip() or result or "no result")


def _part(title: str, text: str) -> str:
    return f"{title}\n{textwrap.indent(plain(text), '  ', lambda line: True)}"


def _due(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}Z"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}Z ({age(moment)} ago)"
