"""What is told to workers."""

from redis import Redis

from queues import pause_queue
from tests.queues.roundtrips import round_trips
from tests.testapp.jobs import QUEUE


def test_a_pause_costs_four_round_trips_however_many_workers_are_told(connection: Redis) -> None:
    for number in range(20):
        connection.sadd(f"rq:workers:{QUEUE}", f"rq:worker:w{number}")
        connection.hset(f"rq:worker:w{number}", mapping={"queues": QUEUE, "birth": "2026-01-01T00:00:00Z"})
    with round_trips() as trips:
        pause_queue(QUEUE)
    assert len(trips) == 4  # the pause itself, the workers' names, their hashes, the messages
