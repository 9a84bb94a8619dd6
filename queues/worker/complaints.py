"""Errors that last: said when they begin, then now and then, and when they have passed."""

from __future__ import annotations

import logging
import time

log = logging.getLogger("queues.worker")

AGAIN_SECONDS = 30.0


class Complaints:
    """One line per subject and half minute, however often the error is met."""

    def __init__(self) -> None:
        self.made_at: dict[str, float] = {}

    def make(self, subject: str, text: str) -> bool:
        """Whether it was said."""
        now = time.monotonic()
        if now >= self.made_at.get(subject, -AGAIN_SECONDS) + AGAIN_SECONDS:
            self.made_at[subject] = now
            log.error(text)
            return True
        return False

    def withdraw(self, subject: str, text: str) -> None:
        if self.made_at.pop(subject, None) is not None:
            log.info(text)
