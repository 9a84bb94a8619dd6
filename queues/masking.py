"""What nobody is to read: the values of payload fields whose names QUEUES_MASKED_FIELDS lists.

Wherever a payload, a result, a progress, an error or a log is shown, on a page, by an endpoint or on a terminal, it goes through here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus

from queues.conf import settings
from queues.jobs.job import Job

MASK = "••••••"
LEAST_CHARACTERS = 6
"""Shorter values are not looked for in texts: they would be found in words that have nothing to do with them."""
COMPARED = 200
"""Characters of a value that are compared: who repeats so many of them repeats it all."""
MOST_LENGTHS = 20
"""Values with one beginning may have so many lengths: where they have more, whatever begins so is masked as far as the longest goes.
No honest payload is like that, and to try each length at each character of a long text would take minutes."""
DEEPEST = 100
"""Deeper levels of a payload are not shown: no honest one has them, and the recursion must end."""
TOO_DEEP = "… (too deep to be shown)"


def is_masked(key: object) -> bool:
    """Whether the field's name contains one of QUEUES_MASKED_FIELDS, in whatever case."""
    name = str(key).lower()
    return any(masked.lower() in name for masked in settings.masked_fields)


def mask(data: Any) -> Any:
    """JSON data as it may be shown: its masked fields, at any depth, and their values where other texts of it repeat them."""
    return Masker(data).data(data)


def mask_job(job: Job) -> Job:
    """The job as it may be shown."""
    return Masker(job.data, job.progress).job(job)


class Masker:
    """Masks what belongs to one job: the values of its payload's masked fields, in whichever of its texts they come up again."""

    def __init__(self, *payloads: Any) -> None:
        values = {value for payload in payloads for value in _masked_values(payload)}
        self._secrets: dict[str, int] = {}
        for secret in {spelling for value in values for spelling in _spellings(value)}:
            self._secrets[secret[:COMPARED]] = max(len(secret), self._secrets.get(secret[:COMPARED], 0))
        self._longest = max(self._secrets.values(), default=0)
        self._lengths = _lengths_by_start(self._secrets)

    def text(self, text: str) -> str:
        """In one walk over the text, however many values there are."""
        if not self._secrets:
            return text
        parts, done, at = [], 0, 0
        while at <= len(text) - LEAST_CHARACTERS:
            length = self._secret_at(text, at)
            if length:
                parts += [text[done:at], MASK]
                done = at + length
            at += length or 1
        return "".join((*parts, text[done:]))

    def _secret_at(self, text: str, at: int) -> int:
        """The length of the value that stands there, 0 for none."""
        lengths = self._lengths.get(text[at : at + LEAST_CHARACTERS], ())
        if len(lengths) > MOST_LENGTHS:
            return self._longest
        return next((self._secrets[found] for length in lengths if (found := text[at : at + length]) in self._secrets), 0)

    def job(self, job: Job) -> Job:
        data, progress = self.data(job.data), self.data(job.progress)
        return replace(job, data=data, progress=progress, error=self.text(job.error), owner=self.text(job.owner))

    def data(self, value: Any, *, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, (dict, list)):
            return value
        if depth == DEEPEST:
            return TOO_DEEP
        if isinstance(value, list):
            return [self.data(item, depth=depth + 1) for item in value]
        return {self.text(key): self._field(key, item, depth + 1) for key, item in value.items()}

    def _field(self, key: str, value: Any, depth: int) -> Any:
        if is_masked(key) and value not in (None, "", [], {}):
            return MASK
        return self.data(value, depth=depth)


def _lengths_by_start(secrets: Iterable[str]) -> dict[str, list[int]]:
    """By its first LEAST_CHARACTERS, the longest first: one value may contain another."""
    found: dict[str, set[int]] = {}
    for secret in secrets:
        found.setdefault(secret[:LEAST_CHARACTERS], set()).add(len(secret))
    return {start: sorted(lengths, reverse=True) for start, lengths in found.items()}


def _masked_values(data: Any) -> Iterator[str]:
    """The values of masked fields that are long enough to be looked for, at any depth."""
    places: list[tuple[Any, bool]] = [(data, False)]
    while places:
        value, is_secret = places.pop()
        if isinstance(value, dict):
            places += [(item, is_secret or is_masked(key)) for key, item in value.items()]
        elif isinstance(value, list):
            places += [(item, is_secret) for item in value]
        elif is_secret and value is not None and len(str(value)) >= LEAST_CHARACTERS:
            yield str(value)


def _spellings(value: str) -> set[str]:
    """As itself, and as Python, JSON and addresses write it: tracebacks and logs repeat values in each."""
    written = {value, repr(value)[1:-1], json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    sent = value.encode("utf-8", "replace")
    return written | {quote(sent), quote(sent, safe=""), quote_plus(sent)}


def unmask(new: Any, shown: Any, stored: Any) -> Any:
    """What an operator made of `shown`, which is `stored` as mask() shows it, with the stored values where the mask was left.

    An entry of a list that was not touched is found again wherever it stands now; one that was changed keeps its masked fields only
    where the list has kept its length. What still holds the mask then has no stored value: see holds_mask.
    """
    if new == shown:
        return stored
    if isinstance(new, dict) and isinstance(shown, dict) and isinstance(stored, dict):
        before = dict(zip(shown, stored.values(), strict=True)) if len(shown) == len(stored) else stored
        return {key: unmask(value, shown.get(key), before.get(key)) for key, value in new.items()}
    if isinstance(new, list) and isinstance(shown, list) and isinstance(stored, list):
        return [_unmask_item(item, at, len(new), shown, stored) for at, item in enumerate(new)]
    return new


def _unmask_item(item: Any, at: int, length: int, shown: list[Any], stored: list[Any]) -> Any:
    if at < len(shown) and item == shown[at]:
        return stored[at]
    if item in shown:
        return stored[shown.index(item)]
    return unmask(item, shown[at], stored[at]) if length == len(shown) else item


def holds_mask(data: Any) -> bool:
    """Whether a mask is left in it."""
    return any(MASK in text for text in _texts(data))


def _texts(data: Any) -> Iterator[str]:
    places = [data]
    while places:
        value = places.pop()
        if isinstance(value, dict):
            places += [*value, *value.values()]
        elif isinstance(value, list):
            places += value
        elif isinstance(value, str):
            yield value
