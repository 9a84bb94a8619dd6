"""Tokens of programs that read the endpoints: the settings hold their hashes, nothing holds them."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping

from django.utils.crypto import constant_time_compare

from queues.conf import settings

PREFIX = "queues_"
"""Lets scanners for leaked secrets know one."""
HASH = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


def new_token() -> str:
    """256 random bits: a plain hash of so much cannot be guessed back."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def known_tokens() -> Iterator[tuple[str, str]]:
    """Name and hash of each in QUEUES_API_TOKENS; one without a name is called by the beginning of its hash."""
    tokens = settings.api_tokens
    pairs = tokens.items() if isinstance(tokens, Mapping) else [(str(known)[:8], known) for known in tokens]
    yield from ((str(name), str(known).lower()) for name, known in pairs if HASH.fullmatch(str(known)))


def find_name(token: str) -> str | None:
    """Whose token it is. Looks at all of them whatever it finds, so that the time taken tells nothing."""
    digest = hash_of(token)
    found = [name for name, known in known_tokens() if constant_time_compare(digest, known)]
    return found[0] if found else None
