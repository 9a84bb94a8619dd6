"""Answers of Redis where a key may be a stranger's, or a question may not be ours to ask."""

from __future__ import annotations

from typing import Any

import redis


def otherwise(answer: Any, absent: Any) -> Any:
    """The answer; `absent` for a key that somebody took with another type. Raises the error that it is else."""
    if isinstance(answer, redis.exceptions.ResponseError) and str(answer).startswith("WRONGTYPE"):
        return absent
    return checked(answer)


def allowed(answer: Any, absent: Any) -> Any:
    """The same where `absent` stands for all that Redis refuses, as what its rights forbid. Raises what says that it answers nothing."""
    return absent if isinstance(answer, redis.exceptions.ResponseError) else checked(answer)


def checked(answer: Any) -> Any:
    """The answer. Raises the error that it is."""
    if isinstance(answer, Exception):
        raise answer
    return answer
