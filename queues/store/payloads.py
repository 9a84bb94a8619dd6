"""The `data` field of a job: RQ's four-part call as JSON, zlib-compressed or not. Nothing else is ever read."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from queues.conf import settings
from queues.exceptions import InvalidPayload, Refused

RUN = "queues.jobs.run.run"
"""The function that our jobs name, so that a stock RQ worker would run them too."""

MAX_INFLATED_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a job asks for: one of our names, or a function by its dotted path (django-rq's plain enqueue)."""

    name: str = ""
    function: str = ""
    args: list[Any] = field(default_factory=list)
    payload: dict[str, Any] = field(default_factory=dict)


def encode(name: str, payload: dict[str, Any]) -> bytes:
    """The call of one of our jobs. Raises InvalidPayload for what JSON cannot hold, or is larger than QUEUES_MAX_PAYLOAD_BYTES."""
    try:
        data = orjson.dumps([RUN, None, [name], payload])
    except TypeError as error:
        raise InvalidPayload(f"Payload of {name!r}: it is no JSON: {error}.") from error
    if data.count(b"null") > 1 and orjson.loads(data)[3] != payload:  # the first one is the call's own
        raise InvalidPayload(f"Payload of {name!r}: it is no JSON: NaN and Infinity are no numbers there.")
    check_size(name, len(data))
    return data


def check_size(name: str, size: int) -> None:
    """Raises InvalidPayload for a call of so many bytes, if that is too much."""
    most = settings.max_payload_bytes
    if size > most:
        raise InvalidPayload(
            f"Payload of {name!r}: {size:,} bytes of JSON are more than QUEUES_MAX_PAYLOAD_BYTES allows ({most:,}). "
            "Store what is large elsewhere, and give the job its key."
        )


def decode(data: bytes) -> Call:
    """Reads a job's call. Raises Refused for pickles and all else that is not RQ's call as JSON."""
    try:
        parts = orjson.loads(_inflate(data))
    except orjson.JSONDecodeError as error:
        raise Refused("The job's data is not JSON, so it was not loaded. Was it enqueued with the pickle serializer?") from error
    match parts:
        case [str() as function, None, list() as args, dict() as payload]:
            if function != RUN:
                return Call(function=function, args=args, payload=payload)
            if len(args) == 1 and isinstance(args[0], str):
                return Call(name=args[0], payload=payload)
    raise Refused("The job's data is not a call [function, null, arguments, keywords].")


def try_decode(data: bytes) -> Call | None:
    try:
        return decode(data)
    except Refused:
        return None


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(data, MAX_INFLATED_BYTES)
    except zlib.error:
        return data
    if inflater.unconsumed_tail:
        raise Refused(f"The job's data inflates to more than {MAX_INFLATED_BYTES} bytes.")
    return inflated
