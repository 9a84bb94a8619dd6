"""Connections to Redis: one client per server and process, failing fast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import orjson
import redis
from django_rq.connection_utils import filter_connection_params, get_redis_connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from queues.conf import settings
from queues.exceptions import RedisUnavailable, UnknownQueue

CONNECT_SECONDS = 0.4
WORKER_ANSWER_SECONDS = 5.0

_clients: dict[tuple[bytes, bool], redis.Redis] = {}
_is_patient: ContextVar[bool] = ContextVar("is_patient", default=False)


def queue_config(name: str) -> dict[str, Any]:
    """The queue's entry in RQ_QUEUES. Raises UnknownQueue."""
    try:
        return dict(settings.rq_queues[name])
    except KeyError:
        raise UnknownQueue(name, list(settings.rq_queues)) from None


def fail_fast(connection: redis.Redis, *, answer_seconds: float = WORKER_ANSWER_SECONDS) -> redis.Redis:
    """Replaces redis-py's ten retries (about four seconds on a closed port) by none, and bounds connecting and answers."""
    connection.set_retry(Retry(NoBackoff(), 0))
    options = connection.connection_pool.connection_kwargs
    options["socket_timeout"] = answer_seconds
    options["socket_connect_timeout"] = CONNECT_SECONDS
    return connection


def get_connection(queue: str) -> redis.Redis:
    """The client of this queue's server, shared by all queues with the same settings."""
    parameters, is_patient = filter_connection_params(queue_config(queue)), _is_patient.get()
    key = orjson.dumps(parameters, default=str, option=orjson.OPT_SORT_KEYS), is_patient
    if key not in _clients:
        _clients[key] = new_connection(queue, answer_seconds=WORKER_ANSWER_SECONDS if is_patient else settings.answer_seconds)
    return _clients[key]


@contextmanager
def patiently() -> Iterator[None]:
    """In it, or in what it decorates, answers may take as long as a worker waits for them: for what acts on very many jobs by the
    thousand, which a busy machine does not do within QUEUES_ANSWER_SECONDS, and which nobody's request waits for."""
    token = _is_patient.set(True)
    try:
        yield
    finally:
        _is_patient.reset(token)


def new_connection(queue: str, *, answer_seconds: float = WORKER_ANSWER_SECONDS) -> redis.Redis:
    """A client of its own, for a thread that blocks."""
    connection: redis.Redis = get_redis_connection(queue_config(queue))
    return fail_fast(connection, answer_seconds=answer_seconds)


def close_all() -> None:
    """Closes the shared clients; whoever asks next gets new ones."""
    while _clients:
        _clients.popitem()[1].close()


@contextmanager
def translated(what: str = "Redis did not answer") -> Iterator[None]:
    """Turns redis-py's errors into RedisUnavailable: a server that is full, read-only or no Redis at all serves nobody either."""
    try:
        yield
    except redis.exceptions.RedisError as error:
        if isinstance(error, redis.exceptions.ReadOnlyError):
            close_all()  # the server was demoted: its name may lead elsewhere by now
        raise RedisUnavailable(f"{what}: {error}") from error
