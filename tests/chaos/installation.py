"""A whole installation of a test's own: PostgreSQL, Redis and workers, each of which may be killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.test import override_settings

from embeddings.models import DirtyEntity, FanOut
from embeddings.testing.openai_server import OpenAIServer
from queues import close_queues, get_queue, get_queue_stats
from tests.processes import PostgresServer, RedisServer, StartWorker, WorkerProcess, wait_until, worker_processes

QUEUE = "embeddings"


class Servers:
    """Started and migrated once for all tests that need servers to kill."""

    def __init__(self, folder: Path) -> None:
        self.postgres = PostgresServer(folder / "postgres")
        self.redis = RedisServer(folder / "redis")
        with self.in_use():
            call_command("migrate", verbosity=0)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Within it this process's default database and its queues are on these servers, in every thread."""
        entry = {"URL": self.redis.url, "SERIALIZER": "rq.serializers.JSONSerializer"}
        facts = connections.settings["default"]  # every thread's connection refers to this very dictionary
        kept = dict(facts)
        connection.close()
        facts.update(environ.Env.db_url_config(self.postgres.url))
        try:
            with override_settings(RQ_QUEUES={QUEUE: entry, "notifications": entry}):
                yield
                close_queues()
        finally:
            connection.close()
            facts.clear()
            facts.update(kept)

    def empty(self) -> None:
        """Both servers as after the migrations, whatever state a test left them in."""
        if not self.redis.answers():
            self.redis.kill()
            self.redis.start()
        self.redis.client.flushall()
        self.postgres.start()
        tables = ", ".join(f'"{name}"' for name in connection.introspection.django_table_names(only_existing=True))
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {tables} CASCADE")

    def close(self) -> None:
        self.redis.close()
        self.postgres.close()


class Installation:
    """The servers, and the workers of one test."""

    def __init__(self, servers: Servers, start_worker: StartWorker, environment: dict[str, str]) -> None:
        self.postgres, self.redis, self._start_worker = servers.postgres, servers.redis, start_worker
        self.environment = {**os.environ, **environment}
        """Of every other process on these servers."""
        self.workers: list[WorkerProcess] = []
        self._environments: dict[int, dict[str, str]] = {}

    def add_worker(self, **environment: str) -> None:
        worker = self._start_worker(QUEUE, **environment)
        self.workers.append(worker)
        self._environments[worker.pid] = environment

    def start_workers(self, count: int = 1, **environment: str) -> None:
        """Comes back when they work."""
        for _ in range(count):
            self.add_worker(**environment)
        wait_until(self.all_work)

    def all_work(self) -> bool:
        """Whether each has come so far as to take jobs."""
        return {worker.pid for worker in self.workers} <= {worker.pid for worker in get_queue(QUEUE).workers()}

    def kill_worker(self, number: int = 0) -> None:
        worker = self.workers.pop(number)
        worker.kill()
        worker.wait()

    def replace_those_that_gave_up(self) -> None:
        """A worker that finds no Redis or PostgreSQL when it starts says so and ends: a supervisor starts another one."""
        for worker in [worker for worker in self.workers if worker.poll() is not None]:
            self.workers.remove(worker)
            self.add_worker(**self._environments[worker.pid])

    def wait_until_served(self, timeout_seconds: float = 60) -> None:
        """Nothing is owed, and no job is left that could still change anything."""

        def is_served() -> bool:
            self.replace_those_that_gave_up()
            return not is_owed() and not is_busy()

        wait_until(is_served, timeout_seconds=timeout_seconds)


def is_owed() -> bool:
    try:
        return DirtyEntity.objects.pending().exists() or FanOut.objects.pending().exists()
    except OperationalError:
        connection.close()
        return True


def is_busy() -> bool:
    """Whether jobs wait or run, but for the sweep, which comes again and again."""
    stats = get_queue_stats(QUEUE)
    if not (stats.waiting or stats.active or stats.delayed):
        return False
    jobs = [job for state in ("waiting", "active", "delayed") for job in get_queue(QUEUE).jobs(state)]
    return any(job.name != "sweep-embeddings" for job in jobs)


def assert_nothing_was_charged() -> None:
    """Invariant I5: servers in trouble cost no job an attempt, and killed none."""
    queue = get_queue(QUEUE)
    dead = [(job.name, job.error_class, job.error) for job in queue.jobs("failed")]
    charged = [(job.name, job.attempts_made) for job in queue.jobs("completed") if job.attempts_made > 1]
    assert not dead, dead
    assert not charged, charged


@contextmanager
def installation(servers: Servers, log: Path) -> Iterator[Installation]:
    """Empty servers, and this process working on them; whatever still runs at the end is killed."""
    with servers.in_use():
        servers.empty()
        close_queues()
        environment = {
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "DATABASE_URL": servers.postgres.url,
            "REDIS_URL": servers.redis.url,
        }
        with worker_processes(environment, log) as start_worker:
            yield Installation(servers, start_worker, environment)


@contextmanager
def openai(server: OpenAIServer) -> Iterator[dict[str, str]]:
    """Within it this process's provider is `server`; gives the environment that makes it the workers' too."""
    model, dimensions = "stub-model", 64
    with override_settings(
        EMBEDDINGS_PROVIDER="openai",
        EMBEDDINGS_MODEL=model,
        EMBEDDINGS_DIMENSIONS=dimensions,
        EMBEDDINGS_OPENAI_API_KEY=server.api_key,
        EMBEDDINGS_OPENAI_BASE_URL=server.base_url,
    ):
        yield {
            "CHAOS_PROVIDER": "openai",
            "EMBEDDINGS_MODEL": model,
            "EMBEDDINGS_DIMENSIONS": str(dimensions),
            "OPENAI_API_KEY": server.api_key,
            "OPENAI_BASE_URL": server.base_url,
        }
