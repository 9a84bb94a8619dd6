import json
import os
import signal
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from redis import Redis

from queues import get_queue, pause_queue
from queues.testing import run_jobs
from queues.worker import ConcurrentWorker
from tests.queues.conftest import ROOT
from tests.testapp.jobs import QUEUE, give_up, greet


@pytest.fixture
def filled() -> None:
    greet.enqueue(name="Ann")
    give_up.enqueue(name="Bob")
    run_jobs(QUEUE)
    greet.enqueue(name="Cleo")
    greet.using(delay=60).enqueue(name="Dan")


def queue_stats(*arguments: str) -> str:
    out = StringIO()
    call_command("queue_stats", *arguments, stdout=out)
    return out.getvalue()


def test_all_queues_stand_in_an_aligned_table(filled: None) -> None:
    assert queue_stats().splitlines() == [
        "queue          waiting  active  completed  failed  delayed  oldest  busy  workers",
        "embeddings           0       0          0       0        0       -   0/0        0",
        "email-sync           0       0          0       0        0       -   0/0        0",
        "notifications        1       0          1       1        1      0s   0/0        0",
    ]


def test_a_paused_queue_is_marked_and_the_age_of_its_oldest_job_told(filled: None, connection: Redis) -> None:
    pause_queue(QUEUE)
    connection.hincrbyfloat(f"rq:job:{get_queue(QUEUE).job_ids('waiting')[0]}", "since", -7300)
    row = queue_stats(QUEUE).splitlines()[1]
    assert row.startswith(f"{QUEUE} (paused) ")
    assert row.split()[-3:] == ["2h", "0/0", "0"]


def watch(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "queue_stats", QUEUE, "--watch", *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_watching_shows_it_again_until_ctrl_c(filled: None) -> None:
    process = watch("0.1")
    assert process.stdout is not None
    seen: list[str] = []
    while sum(line.startswith(QUEUE) for line in seen) < 3:
        seen.append(process.stdout.readline())
        assert seen[-1], "it ended by itself"
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in rest
    assert "\x1b" not in "".join(seen), "not a terminal, so nothing is cleared"


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan", "inf"])
def test_an_interval_that_is_none_is_refused(seconds: str) -> None:
    with pytest.raises(CommandError, match="is no number of seconds"):
        queue_stats(f"--watch={seconds}")


def test_only_the_named_queues_are_shown(filled: None) -> None:
    assert [line.split()[0] for line in queue_stats("embeddings").splitlines()] == ["queue", "embeddings"]


def test_json_has_the_specified_shape_and_the_workers_once_each(filled: None) -> None:
    from django_rq.queues import get_queues

    queues = get_queues(QUEUE, "embeddings")
    worker = ConcurrentWorker(queues, connection=queues[0].connection, name="the-worker")
    worker.register_birth()
    document = json.loads(queue_stats("--json"))
    worker.register_death()
    worker.connection.close()
    counts = {"waiting": 1, "active": 0, "completed": 1, "failed": 1, "delayed": 1}
    assert document["queues"][QUEUE].items() >= {**counts, "paused": False, "workers": 1, "completed_total": 1}.items()
    (found,) = document["workers"]
    assert (found["name"], found["pid"], found["running"]) == ("the-worker", worker.pid, 0)
    assert sorted(found["queues"]) == ["embeddings", QUEUE]


def test_an_unknown_queue_is_refused_with_those_that_exist() -> None:
    with pytest.raises(CommandError, match=r"Unknown queue 'nope'.*notifications"):
        queue_stats("nope")


def test_redis_away_is_one_sentence(settings) -> None:
    settings.RQ_QUEUES = {"mail": {"URL": "redis://127.0.0.1:1/0"}}
    with pytest.raises(CommandError, match="Redis did not answer"):
        queue_stats()
    assert get_queue("mail").name == "mail"
