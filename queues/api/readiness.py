"""Whether this process can serve: checks that apps register, each with a time of its own, all asked at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection, connections

from queues.control import ping_servers

log = logging.getLogger("queues")

SECONDS = 1.5
"""How long a check may take. Balancers mostly wait for two or more."""
PATIENCE_SECONDS = 60.0
"""After which a check that hangs is asked anew beside: what it hangs on may be back, with nobody left to tell the one that waits."""
READY = "ok"
SILENT = "does not answer"


class NotReady(Exception):
    """What is missing, in words that everybody may read."""


Check = Callable[[], None]
_asked: dict[str, Question] = {}
_checks: dict[str, Check] = {}
_lock = threading.Lock()


def register_check(name: str, check: Check) -> None:
    """The check raises NotReady, or anything else, which is logged and told as a silence. It runs in a thread of its own, with database
    connections that are closed behind it. A queue that is long, or whose workers are gone, is nothing that it may fail for."""
    _checks[name] = check


def ask_all() -> dict[str, str]:
    """What each check says, READY or what is wrong, after SECONDS at most."""
    until = time.monotonic() + SECONDS
    questions = {name: _ask(name) for name in _checks}
    return {name: question.answer(until) for name, question in questions.items()}


@dataclass(kw_only=True)
class Question:
    """One run of a check."""

    name: str
    check: Check
    since: float = field(default_factory=time.monotonic)
    result: str = SILENT
    is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            self.check()
            self.result = READY
        except NotReady as error:
            self.result = str(error)
        except Exception as error:
            log.warning("Not ready, %s: %s", self.name, error)
        finally:
            connections.close_all()
            self.is_over.set()

    def answer(self, until: float) -> str:
        return self.result if self.is_over.wait(max(0.0, until - time.monotonic())) else SILENT


def _ask(name: str) -> Question:
    """A check that hangs is not asked a second time within PATIENCE_SECONDS: so few threads, however often a balancer asks."""
    with _lock:
        known = _asked.get(name)
        if known and not known.is_over.is_set() and time.monotonic() - known.since < PATIENCE_SECONDS:
            return known
        question = _asked[name] = Question(name=name, check=_checks[name])
        threading.Thread(target=question.run, name=f"ready-{name}", daemon=True).start()
        return question


def check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_redis() -> None:
    """Every server of RQ_QUEUES. Raises RedisUnavailable."""
    ping_servers()


register_check("database", check_database)
register_check("redis", check_redis)
