"""Empties the tests' Redis of jobs, and no other."""

from __future__ import annotations

from queues.address import describe
from queues.conf import settings
from queues.exceptions import NotATestRedis
from queues.store.connection import translated
from queues.store.keys import PREFIX
from queues.store.queue import get_queue, queue_names
from queues.store.slices import SLICE, in_slices


def empty_queues() -> None:
    """Deletes all that RQ and `queues` keep on the servers of RQ_QUEUES; other keys stay.

    Raises NotATestRedis, with nothing deleted, unless QUEUES_TEST_REDIS is True or the queues are in memory; RedisUnavailable.
    """
    queues = [get_queue(name) for name in queue_names()]
    if settings.test_redis is not True:
        where = ", ".join(sorted({describe(queue.config) for queue in queues}))
        raise NotATestRedis(f"Set QUEUES_TEST_REDIS = True in the settings of your tests if {where} is there for them alone.")
    for queue in queues:
        with translated():
            for keys in in_slices(list(queue.connection.scan_iter(f"{PREFIX}:*", count=SLICE))):
                queue.connection.unlink(*keys)
