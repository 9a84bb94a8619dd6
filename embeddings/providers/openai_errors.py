"""The one place where the client's exceptions become ours."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import mktime_tz, parsedate_tz

import openai

from embeddings.exceptions import (
    ContentTooLong,
    InvalidInput,
    ProviderError,
    ProviderFault,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
)

TOO_LONG = ("context length", "context_length", "maximum context", "max_tokens", "too many tokens", "too long")
OUT_OF_QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


LEAST_SECRET = 8
"""Characters: a shorter key, such as the one for servers without keys, may well be a part of a message by chance."""


@contextmanager
def translated_errors(key: str = "") -> Iterator[None]:
    """Inside, whatever the client raises is raised as a ProviderError. Servers that repeat the key in their answer are cut short: errors
    are stored, logged and shown."""
    try:
        yield
    except openai.APIError as error:
        ours = translate(error)
        if len(key) < LEAST_SECRET or key not in str(error):
            raise ours from error
        ours.args = (str(ours).replace(key, "[the key]"),)
        raise ours from None  # its cause says the key too
    except openai.OpenAIError as error:
        raise ProviderMisconfigured(f"The client refuses to call: {error}") from error
    except (ValueError, TypeError, AttributeError) as error:
        # The client parses leniently: an answer of another shape fails only where it is read.
        raise ProviderFault(f"The answer is not one of the embeddings protocol: {error}") from error


def translate(error: openai.APIError) -> ProviderError:
    """Ours for `error`: what to do about it, and whose fault it is."""
    match error:
        case openai.APITimeoutError():
            return ProviderUnavailable("No answer in time.")
        case openai.APIConnectionError():
            return ProviderUnavailable(f"No connection: {error.__cause__ or error}")
        case openai.APIStatusError():
            return _translate_status(error)
        case _:
            return ProviderFault(f"The answer is not one of the embeddings protocol: {error.message}")


def _translate_status(error: openai.APIStatusError) -> ProviderError:
    retry_after = read_retry_after(error.response.headers)
    match error.status_code:
        case 429 if _has_code(error, OUT_OF_QUOTA):
            return ProviderMisconfigured(f"The quota is used up: {error.message}", kind="rate_limit")
        case 429:
            return RateLimited(error.message, retry_after=retry_after)
        case 400 | 413 | 422:
            return _translate_bad_request(error)
        case 408 | 409 | 425:
            return ProviderUnavailable(error.message, kind="api_error", retry_after=retry_after)
        case status if status >= 500:
            return ProviderUnavailable(error.message, kind="api_error", retry_after=retry_after)
        case _:
            # 401, 403, 404: a wrong key, no permission, no such model or address. Until a person acts, all calls end so.
            return ProviderMisconfigured(error.message)


def _translate_bad_request(error: openai.APIStatusError) -> ProviderError:
    if _has_code(error, ("model_not_found", "invalid_api_key")) or error.param in ("model", "dimensions", "encoding_format"):
        return ProviderMisconfigured(error.message)
    if error.status_code == 413 or any(sign in f"{error.code} {error.message}".lower() for sign in TOO_LONG):
        return ContentTooLong(error.message)
    return InvalidInput(error.message)


def _has_code(error: openai.APIError, codes: tuple[str, ...]) -> bool:
    return error.code in codes or error.type in codes


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from retry-after-ms or Retry-After (seconds or a date, RFC 9110 section 10.2.3); None where neither says."""
    for header, scale in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(header, "")) / scale
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    date = parsedate_tz(headers.get("retry-after", ""))
    return None if date is None else max(0.0, mktime_tz(date) - time.time())
