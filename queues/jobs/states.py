"""The states of a job, and RQ's words for them. RQ's are stored, ours are derived."""

from enum import StrEnum


class State(StrEnum):
    """Where a job is. FAILED are the dead letters; between its retries a job is DELAYED."""

    PROVISIONAL = "provisional"  # in an open transaction: not in Redis yet
    WAITING = "waiting"
    ACTIVE = "active"
    DELAYED = "delayed"
    COMPLETED = "completed"
    FAILED = "failed"


ENDED = (State.COMPLETED, State.FAILED)

RQ_STATUS = {
    State.WAITING: "queued",
    State.ACTIVE: "started",
    State.DELAYED: "scheduled",
    State.COMPLETED: "finished",
    State.FAILED: "failed",
}

_FROM_RQ = {status: state for state, status in RQ_STATUS.items()} | {
    "created": State.WAITING,
    "deferred": State.WAITING,
    "stopped": State.FAILED,
    "canceled": State.FAILED,
}


def from_rq_status(status: str) -> State:
    return _FROM_RQ.get(status, State.WAITING)
