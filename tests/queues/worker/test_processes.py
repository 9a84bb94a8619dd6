"""The supervision of several processes, shown with small ones."""

import sys
import threading
import time
from pathlib import Path

from queues.worker.processes import Processes
from tests.queues.conftest import wait_until


def program(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def starts(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def noting(path: Path, then: str) -> list[str]:
    """A program that leaves a line and goes on."""
    return program(f"open({str(path)!r}, 'a').write('started\\n'); {then}")


def test_those_that_have_done_their_work_are_not_replaced(tmp_path: Path) -> None:
    processes = Processes(2, lambda number: noting(tmp_path / str(number), "pass"), ends_by_itself=True)
    assert processes.run() == 0
    assert [starts(tmp_path / name) for name in ("1", "2")] == [1, 1]


def test_one_that_dies_again_and_again_is_started_ever_more_rarely(tmp_path: Path) -> None:
    path = tmp_path / "starts"
    processes = Processes(1, lambda number: noting(path, "raise SystemExit(3)"), ends_by_itself=False)
    thread = threading.Thread(target=processes.run)
    begun = time.monotonic()
    thread.start()
    wait_until(lambda: starts(path) == 3)
    assert time.monotonic() - begun >= 1, "the second time at once, the third after a second"
    processes.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert starts(path) == 3


def test_one_that_ends_well_is_replaced_at_once_unless_it_is_to_end(tmp_path: Path) -> None:
    path = tmp_path / "starts"
    processes = Processes(1, lambda number: noting(path, "pass"), ends_by_itself=False)
    thread = threading.Thread(target=processes.run)
    thread.start()
    wait_until(lambda: starts(path) >= 5)
    processes.stop()
    thread.join(5)
    assert not thread.is_alive()


def test_a_stop_that_ends_badly_is_told(tmp_path: Path) -> None:
    path = tmp_path / "starts"
    code = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9)); "
    processes = Processes(
        1, lambda number: program(code + f"open({str(path)!r}, 'a').write('started\\n'); time.sleep(60)"), ends_by_itself=True
    )
    thread = threading.Thread(target=processes.run)
    thread.start()
    wait_until(lambda: starts(path) == 1)
    processes.stop()
    thread.join(10)
    assert processes.code == 1
