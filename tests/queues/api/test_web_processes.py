"""The endpoints under gunicorn: whichever of several processes answers, it says the same."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from queues import add_job, add_jobs
from queues.testing import run_jobs
from tests.processes import ROOT, StartWorker, free_port, kill, server_urls, wait_until
from tests.queues.api.scrapes import Samples, samples_of
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[[str], str]


@contextmanager
def site(log: Path, hash: str, **environment: str) -> Iterator[str]:
    """Two processes behind one address; `log` gets the pid of whoever answered."""
    address = f"127.0.0.1:{free_port()}"
    options = ["--workers", "2", "--bind", address, "--access-logfile", str(log), "--access-logformat", "%(p)s", "--log-level", "error"]
    variables = {**os.environ, **server_urls(), "DJANGO_SETTINGS_MODULE": "tests.settings", "QUEUES_API_TOKENS": f"prometheus={hash}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "theo.wsgi", *options], cwd=ROOT, env={**variables, **environment}, text=True
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        kill(process)


@pytest.mark.parametrize("is_multiprocess", [False, True], ids=["plain", "with PROMETHEUS_MULTIPROC_DIR"])
def test_two_processes_tell_the_same_while_one_is_asked_for_a_part(
    tmp_path: Path, token: str, settings, start_worker: StartWorker, is_multiprocess: bool
) -> None:
    (tmp_path / "shared").mkdir()
    more = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "shared")} if is_multiprocess else {}
    add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(5)])
    add_job(QUEUE, "give-up", {"name": "Eve"})
    run_jobs(QUEUE)
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=600)
    log = tmp_path / "pids"
    with site(log, settings.QUEUES_API_TOKENS["prometheus"], **more) as address:

        def ask(path: str) -> str:
            request = urllib.request.Request(f"{address}{path}", headers={"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.read().decode()

        wait_until(lambda: _answers(ask))
        scrapes: list[Samples] = []

        def have_both_answered() -> bool:
            ask("/metrics?name[]=rq_jobs")
            scrapes.append(samples_of(ask("/metrics")))
            return len(set(log.read_text().split())) == 2 and len(scrapes) >= 10

        wait_until(have_both_answered)
    assert scrapes == [scrapes[0]] * len(scrapes)
    assert scrapes[0]["queues_jobs_total", QUEUE, "greet", "completed"] == 5
    assert scrapes[0]["rq_jobs", QUEUE, "failed"] == 1


def _answers(ask: Ask) -> bool:
    try:
        return "ready" in ask("/health/ready")
    except OSError:
        return False
