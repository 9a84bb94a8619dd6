"""The command as a person sees it: on a terminal, with a worker process, ended by Ctrl-C and begun again."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from embeddings.models import DirtyEntity, Embedding
from queues import get_queue
from tests.processes import ROOT, StartWorker, kill, server_urls, wait_until, worker_processes
from tests.testapp.models import Note

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("slow_notes")]


@pytest.fixture
def environment() -> dict[str, str]:
    return {**server_urls(), "DJANGO_SETTINGS_MODULE": "tests.settings"}


@pytest.fixture
def start_worker(environment: dict[str, str]) -> Iterator[StartWorker]:
    with worker_processes(environment, Path(os.devnull)) as start:
        yield start


@pytest.fixture
def slow_notes(ann: User, bob: User) -> None:
    """A hundred each, so that each has a job of their own; a hundred take some five seconds."""
    for author in (ann, bob):
        Note.objects.bulk_create([Note(author=author, title=f"slow note {number}") for number in range(100)])


class Terminal:
    """The command on a terminal of its own."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 100))
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "embeddings_backfill", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            text=True,
        )
        os.close(slave)
        os.set_blocking(self._master, False)

    def shows(self, text: str) -> bool:
        with contextlib.suppress(OSError):  # nothing to read yet, or the command has ended
            self.text += os.read(self._master, 65536).decode()
        return text in self.text

    def close(self) -> None:
        kill(self.process)
        os.close(self._master)


def test_ctrl_c_ends_the_following_and_the_same_command_goes_on(
    slow_notes: None, environment: dict[str, str], start_worker: StartWorker
) -> None:
    start_worker("embeddings", "--concurrency", "1")
    wait_until(get_queue("embeddings").workers)
    terminal = Terminal(environment)
    try:
        wait_until(lambda: terminal.shows("/200 [") and Embedding.objects.exists())
        terminal.process.send_signal(signal.SIGINT)
        wait_until(lambda: terminal.shows("the workers go on. The same command goes on following."))
        assert terminal.process.wait(60) == 130
    finally:
        terminal.close()
    left = DirtyEntity.objects.count()
    again = Terminal(environment)
    try:
        wait_until(lambda: again.shows("All are embedded."))
        assert again.process.wait(60) == 0
    finally:
        again.close()
    assert 0 < left < 200
    assert Embedding.objects.count() == 200
    assert not DirtyEntity.objects.exists()


def test_without_a_terminal_lines_tell_how_far_it_is(environment: dict[str, str], start_worker: StartWorker) -> None:
    start_worker("embeddings", "--concurrency", "1")
    wait_until(get_queue("embeddings").workers)
    command = [sys.executable, "manage.py", "embeddings_backfill"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert " of 200 entities, " in done.stdout and " a second, " in done.stdout
    assert "All are embedded." in done.stdout
    assert "\r" not in done.stdout + done.stderr
