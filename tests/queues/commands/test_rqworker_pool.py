"""Several worker processes under one."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from queues import get_queue, get_queue_stats
from queues.store.workers import WorkerInfo
from tests.processes import ROOT, wait_until
from tests.testapp.jobs import QUEUE, greet, spin

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_pool() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "rqworker-pool", *arguments],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()  # its workers stop when it is gone
        process.wait()
        if process.stdout:
            process.stdout.close()


def workers() -> list[WorkerInfo]:
    return get_queue(QUEUE).workers()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_so_many_workers_run_with_the_options_given_and_all_stop_on_sigterm(start_pool: Start, tmp_path: Path) -> None:
    pid_file = tmp_path / "pool.pid"
    pool = start_pool(QUEUE, "--num-workers", "2", "--concurrency", "3", "--name", "crew", "--pid", str(pid_file))
    wait_until(lambda: get_queue_stats(QUEUE).concurrency == 6)
    assert [worker.name for worker in workers()] == ["crew-1", "crew-2"]
    assert int(pid_file.read_text()) == pool.pid
    pids = [worker.pid for worker in workers()]
    spin.enqueue(seconds=1)
    wait_until(lambda: get_queue_stats(QUEUE).active == 1)
    pool.send_signal(signal.SIGTERM)
    output, _ = pool.communicate(timeout=60)
    assert pool.returncode == 0, output
    assert workers() == []
    assert not any(map(is_alive, pids))
    assert get_queue_stats(QUEUE).completed == 1, "what ran was finished"
    assert "Fatal" not in output and "Traceback" not in output


def test_one_that_is_killed_is_started_again_and_its_job_is_run(start_pool: Start) -> None:
    start_pool(QUEUE, "--num-workers", "2")
    wait_until(lambda: len(workers()) == 2)
    before = {worker.pid for worker in workers()}
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len({worker.pid for worker in workers()} - before) == 1)
    greet.enqueue(name="Ann")
    wait_until(lambda: get_queue_stats(QUEUE).completed == 1)


def test_a_second_signal_gives_running_jobs_back_at_once(start_pool: Start) -> None:
    pool = start_pool(QUEUE, "--num-workers", "2")
    wait_until(lambda: len(workers()) == 2)
    spin.enqueue(seconds=60)
    wait_until(lambda: get_queue_stats(QUEUE).active == 1)
    pool.send_signal(signal.SIGINT)
    wait_until(lambda: len(workers()) == 1)
    pool.send_signal(signal.SIGINT)
    pool.communicate(timeout=60)
    assert pool.returncode == 0
    assert (get_queue_stats(QUEUE).waiting, get_queue_stats(QUEUE).active) == (1, 0)


def test_a_killed_pool_leaves_no_worker_behind(start_pool: Start) -> None:
    pool = start_pool(QUEUE, "--num-workers", "2")
    wait_until(lambda: len(workers()) == 2)
    pids = [worker.pid for worker in workers()]
    pool.kill()
    pool.wait()
    wait_until(lambda: not any(map(is_alive, pids)))
    assert workers() == []


def test_a_burst_ends_when_nothing_waits(start_pool: Start) -> None:
    for number in range(20):
        greet.enqueue(name=str(number))
    pool = start_pool(QUEUE, "--num-work=2", "--burst")
    output, _ = pool.communicate(timeout=60)
    assert pool.returncode == 0, output
    assert get_queue_stats(QUEUE).completed == 20


def test_what_keeps_a_worker_from_starting_is_said_once(start_pool: Start) -> None:
    pool = start_pool("nope", "--num-workers", "3")
    output, _ = pool.communicate(timeout=60)
    assert pool.returncode == 1
    assert output.count("Unknown queue 'nope'") == 1


def test_it_needs_a_command_line_and_a_worker(start_pool: Start) -> None:
    with pytest.raises(CommandError, match="from one only"):
        call_command("rqworker-pool", QUEUE)
    pool = start_pool(QUEUE, "--num-workers", "0")
    output, _ = pool.communicate(timeout=60)
    assert pool.returncode == 1
    assert "--num-workers must be at least 1" in output
