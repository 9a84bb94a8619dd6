"""What a task's job carries: the call that was asked for."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict

from queues.tasks.interface import normalize_json


class TaskCall(BaseModel):
    """The payload of a task's job. Its queue and priority are the job's own, its name is the module path of the task."""

    model_config = ConfigDict(extra="forbid")

    backend: str
    enqueued_at: AwareDatetime
    run_after: AwareDatetime | None = None
    args: list[Any]
    kwargs: dict[str, Any]


def as_json(value: Any) -> Any:
    """The value in JSON's own types, tuples as lists.

    Raises TypeError or ValueError for what JSON cannot hold unchanged: other types, keys that are no text, bytes that
    are not UTF-8, NaN and Infinity, integers beyond 64 bits.
    """
    try:
        plain = normalize_json(value)
    except RecursionError as error:
        raise ValueError("Unsupported value: it is nested too deeply") from error
    if orjson.loads(orjson.dumps(plain)) != plain:
        raise TypeError("Unsupported value: NaN and Infinity are not JSON")
    return plain
