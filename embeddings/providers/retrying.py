"""Calling again what may succeed at the next try, as long as the caller's deadline allows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay, wait_exponential, wait_random

from embeddings.exceptions import ProviderError, ProviderUnavailable, RateLimited

Answer = TypeVar("Answer")
MAX_BACKOFF_SECONDS = 60


def call_with_retries(
    call: Callable[[float], Answer], *, deadline_seconds: float, attempts: int, backoff_seconds: float, obeys_waits: bool
) -> Answer:
    """`call(seconds left)` until it succeeds, at most `attempts` times; its last ProviderError is raised at once where the next wait
    would end too late.

    Waits `backoff_seconds` doubling to a minute, with jitter. With `obeys_waits` a limited rate is waited for too, and as long as
    the provider asks (Retry-After); without, such an error is raised at once, as it concerns all callers and not this one alone.
    """
    ends_at = time.monotonic() + deadline_seconds
    exponential = wait_exponential(multiplier=backoff_seconds, max=MAX_BACKOFF_SECONDS) + wait_random(0, backoff_seconds / 2)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, ProviderError) else None
        return exponential(state) if asked is None else asked

    def is_worth_a_retry(error: BaseException) -> bool:
        """Not a fault: a server that answers nonsense does so again, and bills for it."""
        if isinstance(error, ProviderUnavailable):
            return obeys_waits or error.retry_after is None
        return obeys_waits and isinstance(error, RateLimited)

    retrying = Retrying(
        retry=retry_if_exception(is_worth_a_retry),
        wait=wait,
        stop=stop_after_attempt(attempts) | stop_before_delay(deadline_seconds),
        reraise=True,
    )
    return retrying(lambda: call(max(0.1, ends_at - time.monotonic())))
