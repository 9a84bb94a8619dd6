"""Management commands as processes of their own, as a person would start them in a second terminal."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Self

from django.conf import settings

from theo.command_line import END_WITH_STDIN
from theo.embedded.process import open_private

STOP_SECONDS = 20
LOG_TAIL_LINES = 15


class ManageProcess:
    """`manage.py ARGUMENTS` in the background, stopped on leaving the context, or with this process, even if that is killed.

    Its output goes to `log`, if given.
    """

    def __init__(self, *arguments: str, log: Path | None = None) -> None:
        self.arguments = arguments
        self.log = log
        self._output: IO[bytes] | None = None

    def __enter__(self) -> Self:
        if self.log:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._output = open_private(self.log)
        # A session of its own: Ctrl-C in the terminal reaches us alone, and we stop it once. A second signal would
        # tell a worker to drop its running jobs.
        self.process = subprocess.Popen(  # noqa: S603  # our own command line
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *self.arguments],
            stdin=subprocess.PIPE,
            env={**os.environ, END_WITH_STDIN: "1"},
            stdout=self._output,
            stderr=subprocess.STDOUT if self._output else None,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.process.stdin:
            self.process.stdin.close()
        if self._output:
            self._output.close()

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def exit_status(self) -> int | None:
        return self.process.poll()

    def stop(self) -> None:
        """Let it finish what it is doing, for a while, and then not."""
        if not self.is_running:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def describe_end(self) -> str:
        """How it ended, with the last lines of its log."""
        text = f"manage.py {' '.join(self.arguments)} ended with status {self.exit_status}"
        if self.log and self.log.exists():
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
            text += f"; the end of {self.log}:\n" + "\n".join(lines)
        return text
