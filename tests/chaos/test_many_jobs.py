"""Thousands of jobs of every kind while workers are killed at random and Redis is killed once: none lost, none twice without a cause."""

import os
import random
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from queues import add_jobs, close_queues, drain_queue, get_queue, get_queue_stats, retry_failed
from queues.jobs.job import Job
from tests.chaos import jobs
from tests.processes import RedisServer, StartWorker, WorkerProcess, wait_until, worker_processes

JOBS = int(os.environ.get("QUEUES_CHAOS_JOBS", "6000"))
"""`make chaos` has twenty thousand."""
PER_ADD = 100
KILLS = 5
QUEUE = jobs.QUEUE

KINDS = [*["plain"] * 3, "priority", "delayed", "owned", "batch", "fails-once", "later-once", "deduplicated", "long"]
PLANNED_RUNS = {"chaos-fails-once": 2, "chaos-later-once": 2}
CHARGED = {"chaos-fails-once": 2}
"""Runs of a job whose worker lives, 1 where nothing else stands here; and how many of them are charged."""

MAY_STAY = [
    r"rq:job:[0-9a-f]{32}",
    r"rq:results:[0-9a-f]{32}",
    rf"rq:finished:{QUEUE}",
    r"rq:queues",
    rf"rq:workers(:{QUEUE})?",
    rf"rq:ext:{QUEUE}:(totals|by:(name|owner):[a-z0-9-]+)",
    r"rq:ext:[a-z]+:(wake|counts)",
]
MAY_STAY_FOR_A_WHILE = [
    r"rq:worker:[0-9a-f]{32}",
    rf"rq:ext:{QUEUE}:(reaper|alert|untold)",
    r"rq:ext:[a-z]+:(minute:\d+|hour:\d+|errors)",
    r"rq:ext:schedule:.*",
]
"""These have an expiry."""


class Chaos:
    """Workers in random numbers, and what their jobs wrote down."""

    def __init__(self, folder: Path, server: RedisServer, start_worker: StartWorker, dice: random.Random) -> None:
        self.folder, self.server, self.start_worker, self.dice = folder, server, start_worker, dice
        self.workers: list[WorkerProcess] = []
        self.add_workers(2)

    def add_workers(self, count: int) -> None:
        self.workers += [self.start_worker(QUEUE) for _ in range(count)]

    def kill_one(self) -> None:
        worker = self.workers.pop(self.dice.randrange(len(self.workers)))
        worker.kill()
        worker.wait()
        alive = len(self.workers)
        self.add_workers(self.dice.randint(max(0, 2 - alive), 4 - alive))

    def restart_redis(self) -> None:
        """Workers that were just starting give up without Redis, and say so: as under a process supervisor, others take their place."""
        self.server.kill()
        self.server.start()
        gave_up = [worker for worker in self.workers if worker.poll() is not None]
        self.workers = [worker for worker in self.workers if worker not in gave_up]
        self.add_workers(len(gave_up))

    def runs(self) -> list[tuple[str, str]]:
        """Job and ending of every run that came to its end."""
        path = self.folder / jobs.TRACE
        lines = path.read_text().split("\n")[:-1] if path.exists() else []  # the last one may be half written
        return [(job_id, ending) for job_id, _, ending in (line.split() for line in lines)]

    def stop(self) -> None:
        working = [worker for worker in self.workers if worker.poll() is None]
        cut_off = [worker.returncode for worker in self.workers if worker not in working]  # whom Redis's end met while they started
        assert working and set(cut_off) <= {1}
        for worker in working:
            worker.terminate()
        ended = {worker.wait(60) for worker in working}
        assert ended <= {0, 128 + signal.SIGTERM}  # whom the signal met while they started
        assert 0 in ended


@pytest.fixture
def chaos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chaos]:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000)))
    print(f"CHAOS_SEED={seed}")  # noqa: T201  # pytest shows it where the test failed
    monkeypatch.setenv(jobs.FOLDER, str(tmp_path))
    server = RedisServer(tmp_path / "redis")
    entry = {"URL": server.url, "SERIALIZER": "rq.serializers.JSONSerializer"}
    environment = {"DJANGO_SETTINGS_MODULE": "tests.chaos.settings", "REDIS_URL": server.url}
    try:
        with (
            override_settings(RQ_QUEUES={QUEUE: entry, "embeddings": entry}),
            worker_processes(environment, tmp_path / "log") as start_worker,
        ):
            yield Chaos(tmp_path, server, start_worker, random.Random(seed))
    finally:
        close_queues()
        server.close()


def test_killed_workers_and_a_killed_redis_lose_nothing(chaos: Chaos) -> None:
    ids: dict[str, str] = {}
    kills = sorted(chaos.dice.randint(JOBS // 20, JOBS * 9 // 10) for _ in range(KILLS))
    restart_at = chaos.dice.randint(JOBS // 4, JOBS * 3 // 4)
    while len(ids) < JOBS or kills:
        done = len(chaos.runs())
        if kills and done >= kills[0]:
            kills.pop(0)
            chaos.kill_one()
        if restart_at and done >= restart_at:
            restart_at = 0
            chaos.restart_redis()
        if len(ids) < JOBS and len(ids) < done + 4000:
            ids |= {job.id: job.name for job in add_some(chaos.dice, len(ids))}
    settle(chaos)
    stalls = {job.id: job.stalls for job in get_queue(QUEUE).jobs("failed")}
    assert {job.error_class for job in get_queue(QUEUE).jobs("failed")} <= {"JobStalled"}
    retry_failed(QUEUE)
    settle(chaos)
    chaos.stop()
    drain_queue("embeddings")  # what the workers' schedules added

    ended = get_queue(QUEUE).jobs("completed")
    assert sorted(job.id for job in ended) == sorted(ids), "each completed, and was kept once"
    assert get_queue_stats(QUEUE).counts() == {"waiting": 0, "active": 0, "completed": JOBS, "failed": 0, "delayed": 0}
    check_runs(ended, ids, chaos.runs(), stalls)
    check_keys(chaos.server)


def add_some(dice: random.Random, number: int) -> list[Job]:
    kind = dice.choice(KINDS)
    numbers = range(number, number + PER_ADD)
    plain = [("chaos-plain", {"number": n}) for n in numbers]
    match kind:
        case "priority":
            return add_jobs(QUEUE, plain, priority=dice.choice([-5, -1, 1, 7]))
        case "delayed":
            return add_jobs(QUEUE, plain, delay=dice.uniform(0, 2))
        case "owned":
            return add_jobs(QUEUE, [("chaos-owned", {"number": n, "user_id": n % 7}) for n in numbers])
        case "deduplicated":
            return add_jobs(QUEUE, plain, dedupe=lambda payload: f"number:{payload['number']}", delay=dice.choice([None, 0.5]))
        case "long":
            return add_jobs(QUEUE, [("chaos-plain", {"number": n, "seconds": 1.5 if n % 50 == 0 else 0.002}) for n in numbers])
        case "plain":
            return add_jobs(QUEUE, plain)
    return add_jobs(QUEUE, [(f"chaos-{kind}", {"number": n}) for n in numbers])


def settle(chaos: Chaos) -> None:
    def is_quiet() -> bool:
        stats = get_queue_stats(QUEUE)
        return not (stats.waiting or stats.active or stats.delayed)

    wait_until(is_quiet, timeout_seconds=90)


def check_runs(ended: list[Job], ids: dict[str, str], runs: list[tuple[str, str]], earlier_stalls: dict[str, int]) -> None:
    """A job runs as often as planned, and once more at most for each lease that ended: only a killed worker's do, or a late one's."""
    counts = Counter(job_id for job_id, _ in runs)
    done = {job_id for job_id, ending in runs if ending == "done"}
    assert done == set(ids)
    stalls = {job.id: job.stalls + earlier_stalls.get(job.id, 0) for job in ended}
    unexcused = {job_id: count for job_id, count in counts.items() if count > PLANNED_RUNS.get(ids[job_id], 1) + stalls[job_id]}
    assert not unexcused
    assert sum(stalls.values()), "no worker was killed while it held jobs"
    charged = {job.id: job.attempts_made for job in ended if job.id not in earlier_stalls}
    assert not {job_id: made for job_id, made in charged.items() if made != CHARGED.get(ids[job_id], 1)}, "a stall costs no attempt"


def check_keys(server: RedisServer) -> None:
    left = [key.decode() for key in server.client.scan_iter(count=1000)]
    unknown = [key for key in left if not fits(key, MAY_STAY + MAY_STAY_FOR_A_WHILE)]
    assert not unknown
    lasting = [key for key in left if fits(key, MAY_STAY_FOR_A_WHILE) and server.client.ttl(key) < 0]
    assert not [key for key in lasting if server.client.exists(key)]
    assert sum(key.startswith("rq:job:") for key in left) == JOBS


def fits(key: str, patterns: list[str]) -> bool:
    return any(re.fullmatch(pattern, key) for pattern in patterns)
