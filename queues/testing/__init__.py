"""Helpers for tests of projects that use `queues`; as pytest fixtures in `queues.testing.fixtures`."""

from queues.testing.eager import eager_jobs
from queues.testing.emptying import empty_queues
from queues.testing.enqueued import enqueued_jobs
from queues.testing.memory import memory_queues
from queues.testing.running import run_jobs

__all__ = ["eager_jobs", "empty_queues", "enqueued_jobs", "memory_queues", "run_jobs"]
