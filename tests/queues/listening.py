"""Workers that hear what they are told."""

import redis

from queues import get_workers
from tests.processes import wait_until


def wait_until_heard(connection: redis.Redis, workers: int = 1) -> None:
    """Waits until so many workers live and listen to commands: one is seen a moment before it listens."""
    wait_until(lambda: len(get_workers()) == workers)
    channels = [f"rq:pubsub:{worker.name}" for worker in get_workers()]
    wait_until(lambda: all(listeners for _, listeners in connection.pubsub_numsub(*channels)))
