"""Whether RQ_QUEUES describes queues that can be opened, in JSON, and all that jobs are registered for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import redis
from django.core.checks import CheckMessage, Error, Warning, register
from rq.serializers import JSONSerializer, resolve_serializer

from queues.address import describe
from queues.conf import settings
from queues.jobs.backoff import parse_backoff
from queues.jobs.options import Keep
from queues.jobs.registry import registry
from queues.operations.thresholds import parse_thresholds

SERVERS = ("URL", "HOST", "UNIX_SOCKET_PATH", "SENTINELS", "USE_REDIS_CACHE")
NUMBERS = {"CONCURRENCY": 1, "ATTEMPTS": 1, "DEFAULT_TIMEOUT": 1, "DEFAULT_RESULT_TTL": -1}
PARSERS: Mapping[str, Callable[[Any], object]] = {
    "BACKOFF": parse_backoff,
    "KEEP_COMPLETED": Keep.parse,
    "KEEP_FAILED": Keep.parse,
    "HEALTH": parse_thresholds,
}
CURE = 'Write RQ_QUEUES = {"emails": {"URL": "redis://host:6379/0", "SERIALIZER": "rq.serializers.JSONSerializer"}}.'
OUR_FIRST, OUR_LATER = ("schedule", "log", "probe"), ("by", "dedupe", "intermediate")
"""Parts of a name, between colons, that would lead to keys of something else: see store/keys, and RQ's Queue for the last."""
KNOWN = {
    *SERVERS,
    *NUMBERS,
    *PARSERS,
    *("PORT", "DB", "USERNAME", "PASSWORD", "SSL", "SSL_CERT_REQS", "REDIS_CLIENT_KWARGS"),
    *("MASTER_NAME", "SOCKET_TIMEOUT", "CONNECTION_KWARGS", "SENTINEL_KWARGS"),
    *("ASYNC", "SERIALIZER", "QUEUE_CLASS"),
}


@register
def check_queues(**kwargs: Any) -> list[CheckMessage]:
    entries = settings.rq_queues
    if not entries:
        return [_malformed("RQ_QUEUES names no queue.", CURE)]
    described = {name: entry for name, entry in entries.items() if isinstance(entry, dict)}
    found: list[CheckMessage] = [_malformed(f"RQ_QUEUES[{name!r}] is not a dict.", CURE) for name in entries if name not in described]
    found += _servers(described)
    for name, entry in described.items():
        found += [*_name(name), *_numbers(name, entry), *_parsed(name, entry), *_serializer(name, entry), *_unknown(name, entry)]
    return [*found, *_jobs()]


def _malformed(cause: str, cure: str) -> Error:
    return Error(cause, hint=cure, id="queues.E004")


def _name(name: str) -> Iterator[CheckMessage]:
    first, *later = str(name).split(":")
    if not name or "," in first or first in OUR_FIRST or any("," in part or part in OUR_LATER for part in later):
        yield Error(
            f"A queue cannot be called {name!r}: its keys in Redis would be those of something else.",
            hint=f"Rename it in RQ_QUEUES: not empty, without a comma, neither {', '.join(OUR_FIRST)} alone or before a colon, "
            f"nor {', '.join(OUR_LATER)} behind one.",
            id="queues.E009",
        )


def _servers(entries: Mapping[str, Mapping[str, Any]]) -> Iterator[CheckMessage]:
    urls: dict[str, list[str]] = {}
    for name, entry in entries.items():
        if "URL" in entry:
            urls.setdefault(str(entry["URL"]), []).append(name)
        elif not any(option in entry for option in SERVERS):
            yield _malformed(f"RQ_QUEUES[{name!r}] says nothing of its Redis server.", f"Give one of {', '.join(SERVERS)}.")
    for url, names in urls.items():
        try:
            redis.ConnectionPool.from_url(url)
        except ValueError:
            yield _malformed(
                f"The URL of {', '.join(names)} in RQ_QUEUES, {describe({'URL': url})}, is not a Redis URL.",
                "Write redis://host:6379/0, rediss://host:6379/0 for TLS, or unix:///path/to/redis.sock?db=0.",
            )


def _numbers(name: str, entry: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for option, least in NUMBERS.items():
        value = entry.get(option)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            yield _malformed(f"RQ_QUEUES[{name!r}][{option!r}] is {value!r}.", f"It must be a whole number of at least {least}.")


def _parsed(name: str, entry: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for option in [option for option in PARSERS if option in entry]:
        try:
            PARSERS[option](entry[option])
        except (ValueError, TypeError) as error:
            yield _malformed(f"RQ_QUEUES[{name!r}][{option!r}] is {entry[option]!r}.", f"{error}.")


def _serializer(name: str, entry: Mapping[str, Any]) -> Iterator[CheckMessage]:
    try:
        serializer = resolve_serializer(entry.get("SERIALIZER"))
    except (ImportError, AttributeError, ValueError, NotImplementedError):
        serializer = None
    if not (isinstance(serializer, type) and issubclass(serializer, JSONSerializer)):
        yield Error(
            f"RQ_QUEUES[{name!r}]['SERIALIZER'] is {entry.get('SERIALIZER')!r}, not JSON: whoever can write to Redis could run code.",
            hint='Set "SERIALIZER": "rq.serializers.JSONSerializer" (RQ\'s default is pickle).',
            id="queues.E003",
        )


def _unknown(name: str, entry: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for option in sorted(set(entry) - KNOWN):
        yield Warning(
            f"RQ_QUEUES[{name!r}][{option!r}] is an option that nothing reads.",
            hint=f"Known are {', '.join(sorted(KNOWN))}.",
            id="queues.W003",
        )


def _jobs() -> list[CheckMessage]:
    return [
        Error(
            f"The job {job.name!r} ({job.path}) belongs to the queue {job.queue!r}, which RQ_QUEUES does not have.",
            hint=f"Add the queue to RQ_QUEUES, or correct the job's queue=; there are {', '.join(settings.rq_queues)}.",
            id="queues.E007",
        )
        for job in registry
        if job.queue and job.queue not in settings.rq_queues
    ]
