"""Whether the QUEUES_* settings exist and have usable values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register

from queues.api.tokens import HASH
from queues.conf import PREFIX, settings
from queues.jobs.states import ENDED, State
from queues.operations.thresholds import parse_thresholds

LEAST = {
    "lease_seconds": 3,
    "shutdown_seconds": 0,
    "poll_seconds": 1,
    "stall_limit": 0,
    "max_payload_bytes": 1024,
    "attempts": 1,
    "keep_completed": 0,
    "keep_failed": 0,
    "concurrency": 1,
    "clean_after_seconds": 1,
}


@register
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    found = [
        _error(f"{name} is not a setting of 'queues'.", "Correct its name; queues/conf.py lists them all.")
        for name in settings.unknown_names()
    ]
    for name, least in LEAST.items():
        value = getattr(settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            found.append(_error(f"{PREFIX}{name.upper()} is {value!r}.", f"It must be a whole number of at least {least}."))
    functions = settings.allowed_functions
    if not isinstance(functions, (list, tuple, set, frozenset)) or not all(isinstance(path, str) and "." in path for path in functions):
        found.append(_error(f"{PREFIX}ALLOWED_FUNCTIONS is {functions!r}.", "It must be a list of dotted paths of functions."))
    return [*found, *_masked_fields(), *_answer_seconds(), *_health(), *_cleanup(), *_api_tokens()]


def _masked_fields() -> list[CheckMessage]:
    names = settings.masked_fields
    if isinstance(names, (list, tuple, set, frozenset)) and all(isinstance(name, str) and name for name in names):
        return []
    return [_error(f"{PREFIX}MASKED_FIELDS is {names!r}.", 'It must be a list of parts of field names, such as ["token", "password"].')]


def _answer_seconds() -> list[CheckMessage]:
    seconds = settings.answer_seconds
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 < seconds < float("inf"):
        return []
    return [_error(f"{PREFIX}ANSWER_SECONDS is {seconds!r}.", "It must be a number of seconds greater than 0.")]


def _health() -> list[CheckMessage]:
    try:
        parse_thresholds(settings.health)
    except ValueError as error:
        return [_error(f"{PREFIX}HEALTH is wrong: {error}.", 'Write {"waiting": (100, 1000)}: above the first a warning, then critical.')]
    return []


def _api_tokens() -> list[CheckMessage]:
    """Says nothing of the values: one of them may be a token that was written instead of its hash."""
    tokens, setting = settings.api_tokens, f"{PREFIX}API_TOKENS"
    if not isinstance(tokens, (Mapping, list, tuple)):
        return [
            _error(f"{setting} is neither a mapping nor a list.", 'Write {"prometheus": "the hash that manage.py queue_token printed"}.')
        ]
    named = [(repr(name), known) for name, known in (tokens.items() if isinstance(tokens, Mapping) else enumerate(tokens))]
    cure = "Make one with manage.py queue_token, and write the hash, not the token."
    found = [_error(f"{setting}[{name}] is no SHA-256 in hex.", cure) for name, known in named if not HASH.fullmatch(str(known))]
    seen: dict[str, str] = {}
    for name, known in named:
        if (first := seen.setdefault(str(known).lower(), name)) != name:
            found.append(_error(f"{setting}[{name}] is the same token as {first}.", "Give each program a token of its own."))
    return found


def _cleanup() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    queue, states = settings.clean_queue, settings.clean_states
    if not isinstance(queue, str | None):
        found.append(_error(f"{PREFIX}CLEAN_QUEUE is {queue!r}.", "It must be the name of a queue, or None for no hourly clean-up."))
    if not isinstance(states, (list, tuple, set, frozenset)) or any(state not in ENDED for state in states):
        found.append(_error(f"{PREFIX}CLEAN_STATES is {states!r}.", f"It must be a list of some of {', '.join(ENDED)}."))
    elif State.FAILED in states and queue is not None:
        found.append(
            Warning(
                f"{PREFIX}CLEAN_STATES lists 'failed': dead letters are deleted for good after {settings.clean_after_seconds} s.",
                hint="Leave it out to keep them until somebody has looked, or silence this warning if nobody is to.",
                id="queues.W004",
            )
        )
    return found


def _error(cause: str, cure: str) -> CheckMessage:
    return Error(cause, hint=cure, id="queues.E006")
