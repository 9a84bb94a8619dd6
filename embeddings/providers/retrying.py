"""Calling again what may succeed at the next try, as long as the caller's deadline allows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay, wait_exponential, wait_random

from embeddings.exceptions import ProviderError, ProviderFault

Answer = TypeVar("Answer")
MAX_BACKOFF_SECONDS = 60
MAX_ATTEMPTS = 6
"""The first call and five more."""


def call_with_retries(call: Callable[[float], Answer], *, deadline_seconds: float, backoff_seconds: float = 1.0) -> Answer:
    """`call(seconds left)` until it succeeds; its last ProviderError is raised at once where the next wait would end too late.

    Waits what the provider asks for (Retry-After), else `backoff_seconds` doubling to a minute, with jitter.
    """
    ends_at = time.monotonic() + deadline_seconds
    exponential = wait_exponential(multiplier=backoff_seconds, max=MAX_BACKOFF_SECONDS) + wait_random(0, backoff_seconds / 2)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, ProviderError) else None
        return exponential(state) if asked is None else asked

    retrying = Retrying(
        retry=retry_if_exception(_is_worth_a_retry),
        wait=wait,
        stop=stop_after_attempt(MAX_ATTEMPTS) | stop_before_delay(deadline_seconds),
        reraise=True,
    )
    return retrying(lambda: call(max(0.1, ends_at - time.monotonic())))


def _is_worth_a_retry(error: BaseException) -> bool:
    """Not a fault: a server that answers nonsense does so again, and bills for it."""
    return isinstance(error, ProviderError) and error.retryable and not isinstance(error, ProviderFault)
