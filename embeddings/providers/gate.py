"""What all workers share about a provider's model: whether it is asked now, by one caller as a probe, or not for a while.

It stands in Redis, on the server of the queue "embeddings". Without Redis everybody is let through: workers have no jobs then anyway.
"""

from __future__ import annotations

import hashlib
import logging
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis

from embeddings.exceptions import ProviderError, ProviderMisconfigured, ProviderPaused, RateLimited
from embeddings.names import EMBEDDINGS
from embeddings.providers.gate_scripts import ENTER, FAILED
from embeddings.providers.state import TEXTS, ProviderState, Trouble
from queues import QueuesError, get_queue

if TYPE_CHECKING:
    from embeddings.providers.base import Provider

log = logging.getLogger("embeddings")

PREFIX = "rq:ext:embeddings:gate"
IN_TROUBLE = f"{PREFIX}s"
WAITS: dict[Trouble, tuple[float, float]] = {"rate_limit": (1.0, 60.0), "outage": (1.0, 60.0), "circuit": (60.0, 600.0)}
"""Seconds: the first wait, doubling with each failed probe to the longest."""
LONGEST_WAIT_SECONDS = 3600.0
"""However long a provider asks to wait, it may be that it has changed its mind."""
SHORTEST_WAIT_SECONDS = 0.1
MEMORY_SECONDS = 3600.0
"""How long a trouble is remembered after its pause when nobody asks the provider any more."""
PROBE_MARGIN_SECONDS = 1.0
AWAY = (redis.exceptions.RedisError, QueuesError)


class Gate:
    """The gate of one provider's model. A changed key or address is another gate, so that what was put right is tried at once."""

    def __init__(self, provider: Provider) -> None:
        self.provider, self.model = provider.name, provider.model
        credentials = hashlib.sha256(repr(provider.credentials()).encode()).hexdigest()[:8]
        self.id = f"{self.provider}:{self.model}:{credentials}"
        self._keys = keys_of(self.id)

    @contextmanager
    def passage(self, *, seconds: float) -> Iterator[bool]:
        """Around one request that takes `seconds` at most; whether it is the probe: then it is made once, without retries.

        Raises ProviderPaused where no request may be made now. A ProviderError inside closes the gate for all workers, and
        has in `retry_after` for how long; an error that is a text's own must not leave the block.
        """
        token = self._enter(seconds)
        try:
            yield bool(token)
        except ProviderError as error:
            error.retry_after = self._failed(token, error)
            raise
        if token:
            self.open()

    def open(self) -> None:
        """Lets everybody through, and forgets what was wrong."""
        try:
            _connection().delete(*self._keys)
        except AWAY as error:
            log.debug("The gate of %s could not be opened: %s", self.id, error)

    @property
    def state(self) -> ProviderState:
        """As Redis has it; of kind "unknown" where Redis does not answer."""
        try:
            return read_state(_connection(), self.id, self.provider, self.model)
        except AWAY as error:
            return ProviderState(provider=self.provider, model=self.model, kind="unknown", reason=str(error))

    def _enter(self, seconds: float) -> str:
        """A token for the probe, "" for all others. Raises ProviderPaused."""
        token = uuid.uuid4().hex
        try:
            wait, kind, *reason = _run(ENTER, self._keys, token, round((seconds + PROBE_MARGIN_SECONDS) * 1000))
        except AWAY as error:
            log.warning("What other workers know of %s is not known: %s", self.id, error)
            return ""
        if not wait:
            return token if kind else ""
        why = f"{TEXTS.get(_text(kind), 'paused')}: {_text(*reason)}"
        raise ProviderPaused(
            f"{self.provider} {self.model} is {why}",
            kind="rate_limit" if kind == b"rate_limit" else "api_error",
            retry_after=wait / 1000,
        )

    def _failed(self, token: str, error: ProviderError) -> float:
        """Closes the gate. Returns for how many seconds."""
        kind = kind_of(error)
        first, longest = WAITS[kind]
        asked = -1.0 if error.retry_after is None else min(max(error.retry_after, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
        reason = str(error).encode("utf-8", "replace")[:500]
        waits = [round(seconds * 1000) if seconds > 0 else -1 for seconds in (asked, first, longest)]
        facts: list[str | float] = [_jitter(), round(MEMORY_SECONDS * 1000), self.id, self.provider, self.model]
        log.log(logging.ERROR if kind == "circuit" else logging.WARNING, "%s %s: %s", self.provider, self.model, error)
        try:
            return int(_run(FAILED, (*self._keys, IN_TROUBLE), token, kind, reason, *waits, *facts)) / 1000
        except AWAY:
            return max(asked, first)


def kind_of(error: ProviderError) -> Trouble:
    if isinstance(error, RateLimited):
        return "rate_limit"
    return "circuit" if isinstance(error, ProviderMisconfigured) else "outage"


def read_troubles(connection: redis.Redis) -> list[ProviderState]:
    """Of all providers that are in trouble, whoever uses them. Raises RedisError."""
    states: list[ProviderState] = []
    for member in connection.smembers(IN_TROUBLE):
        gate = _text(member)
        provider, model = connection.hmget(keys_of(gate)[1], "provider", "model")
        states.append(read_state(connection, gate, _text(provider), _text(model)))
    return sorted((state for state in states if state.is_in_trouble), key=lambda state: (state.provider, state.model))


def read_state(connection: redis.Redis, gate: str, provider: str, model: str) -> ProviderState:
    """Raises RedisError."""
    closed, trouble, _ = keys_of(gate)
    with connection.pipeline() as pipeline:
        pipeline.hgetall(trouble)
        pipeline.pttl(closed)
        found, closed_ms = pipeline.execute()
    return ProviderState.read(provider, model, trouble=found, closed_ms=closed_ms)


def keys_of(gate: str) -> tuple[str, str, str]:
    """closed: there while nobody is let through; trouble: what is wrong, beyond that; probe: whoever is trying now."""
    return f"{PREFIX}:{gate}:closed", f"{PREFIX}:{gate}:trouble", f"{PREFIX}:{gate}:probe"


def _connection() -> redis.Redis:
    return get_queue(EMBEDDINGS).connection


def _run(script: str, keys: tuple[str, ...], *arguments: str | bytes | float) -> Any:
    return _connection().eval(script, len(keys), *keys, *arguments)


def _text(value: object = b"") -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _jitter() -> float:
    """So that not all workers ask at the same moment."""
    return random.uniform(0.8, 1.0)  # noqa: S311  # no secret
