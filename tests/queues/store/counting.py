"""Numbers planted where the scripts count, for tests of who reads them."""

from __future__ import annotations

import random
import time

from redis import Redis

from queues.store import keys


def plant_day(connection: Redis, queue: str, *, now: float | None = None) -> None:
    """A day of two job names, an hour by the minute: `greet` quick and good, `import` slow and failing; the middle of the hour is empty."""
    dice, present = random.Random(1), time.time() if now is None else now
    with connection.pipeline(transaction=False) as pipeline:
        for ago in range(60):
            if not 20 <= ago < 30:
                key = keys.minute(queue, int(present // 60) - ago)
                pipeline.hset(key, mapping={"completed": dice.randint(20, 90), "failed": dice.choice([0, 0, 0, 2, 9]), "retried": 3})
                pipeline.hset(key, mapping={f"run{bucket}": 30 - bucket for bucket in range(2, 24, 3)})
                pipeline.hset(key, mapping={f"wait{dice.randint(4, 14)}": 40, f"wait{dice.randint(14, 28)}": 3})
        for ago in range(24):
            key = keys.hour(queue, int(present // 3600) - ago)
            pipeline.hset(
                key, mapping={"completed:greet": dice.randint(900, 4000), "failed:greet": 1, "run3:greet": 3000, "wait9:greet": 3000}
            )
            pipeline.hset(
                key, mapping={"completed:import": 20, "failed:import": 5, "retried:import": 9, "run30:import": 34, "wait26:import": 34}
            )
        pipeline.execute()
