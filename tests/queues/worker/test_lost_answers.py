"""A network that does to Redis what it is asked, and loses the answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from queues import add_jobs, get_queue, get_queue_stats
from queues.store import scripts
from queues.worker.dispatcher import Dispatcher
from queues.worker.mailbox import Mailbox, Message
from queues.worker.options import Limits, WorkerOptions
from tests.processes import wait_until
from tests.testapp.jobs import QUEUE


class Lossy(redis.Redis):
    """Loses the answer to each of these commands once."""

    lost: tuple[str, ...] = ()

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        answer = super().execute_command(*arguments, **options)
        for word in arguments[:2]:
            if word in self.lost:
                self.lost = tuple(kept for kept in self.lost if kept != word)
                raise redis.exceptions.ConnectionError("the answer was lost")
        return answer


@pytest.fixture
def lossy(connection: redis.Redis) -> Iterator[Lossy]:
    """The connection of a dispatcher that works until the end of the test."""
    lossy, mailbox = Lossy(connection_pool=connection.connection_pool), Mailbox()
    lossy.script_load(scripts.claim.text)
    dispatcher = Dispatcher(
        worker="w",
        queues=[QUEUE],
        connection=lossy,
        mailbox=mailbox,
        limits=Limits(),
        heartbeat=lambda: None,
        options=WorkerOptions(concurrency={QUEUE: 1}, runs_schedules=False),
    )
    thread = threading.Thread(target=dispatcher.run)
    lossy.lost = (scripts.claim.sha, "ZRANGE")
    add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(3)])
    thread.start()
    yield lossy
    mailbox.put(Message(stop=True))
    thread.join()
    dispatcher.finish()


def test_what_was_claimed_runs_though_the_look_for_lost_claims_fails(lossy: Lossy) -> None:
    wait_until(lambda: get_queue_stats(QUEUE).completed == 3)
    assert not lossy.lost, "a claim and a look for it were lost"
    assert get_queue_stats(QUEUE).stalled_total == 0, "none was left to its lease"
    assert not get_queue(QUEUE).jobs("failed")
