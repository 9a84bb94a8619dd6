"""What `manage.py` adds to Django's: the servers that a command needs, and one sentence instead of a traceback for a wrong setting."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import psycopg
import redis
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, ManagementUtility

from theo.embedded import EmbeddedError, ensure_servers

SERVERLESS_COMMANDS = frozenset(
    {"help", "version", "startapp", "startproject", "makemessages", "compilemessages", "collectstatic", "findstatic", "diffsettings"}
)
SAYS_WHAT_MACHINE = frozenset({"DEBUG", "THEO_EMBEDDED", "DATABASE_URL", "REDIS_URL", "SECRET_KEY"})
END_WITH_STDIN = "THEO_END_WITH_STDIN"
"""Set for a command that is to stop when its standard input ends: when who started it is gone, however that ended."""
ENV_FILE = Path(__file__).resolve().parent.parent / ".env"
SERVERLESS_OPTIONS = frozenset({"-h", "--help", "--version"})


class CommandLine(ManagementUtility):
    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Called once the settings are known and before the command is made."""
        if subcommand not in SERVERLESS_COMMANDS and not SERVERLESS_OPTIONS.intersection(self.argv[2:]):
            ensure_servers()
        return super().fetch_command(subcommand)


def run(argv: list[str]) -> None:
    """Runs a command; leaves with status 1 and one sentence when settings or servers are at fault."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)  # by way of the exit handlers, which stop the embedded servers
    if os.environ.pop(END_WITH_STDIN, ""):
        threading.Thread(target=_end_with_stdin, name="stdin", daemon=True).start()
    _default_to_development(argv)
    try:
        CommandLine(argv).execute()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        sentence = explain(error)
        if sentence is None or "--traceback" in argv:
            raise
        sys.stderr.write(f"{sentence}\n")
        sys.exit(1)


def _default_to_development(argv: list[str]) -> None:
    """The demo alone may run on a machine where nobody has set anything: then it is a development machine."""
    if argv[1:2] == ["demo"] and not SAYS_WHAT_MACHINE.intersection(os.environ) and not ENV_FILE.exists():
        os.environ["DEBUG"] = "1"


def explain(error: BaseException) -> str | None:
    """The sentence for a fault of settings or servers; None for one of the code."""
    for cause in _chain(error):
        if isinstance(cause, EmbeddedError | ImproperlyConfigured):
            return str(cause)
        if isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None:
            return f"PostgreSQL cannot be used: {_first_line(cause)}. Check DATABASE_URL."
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            return f"PostgreSQL refuses: {_first_line(cause)}. Let an administrator do it, or give the role of DATABASE_URL the right."
        if isinstance(cause, redis.ConnectionError | redis.TimeoutError):
            return f"Redis cannot be used: {_first_line(cause)}. Check REDIS_URL."
        if isinstance(cause, ValueError) and str(cause).startswith("Redis URL must specify"):
            return f"REDIS_URL is wrong: {_first_line(cause)}."
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
