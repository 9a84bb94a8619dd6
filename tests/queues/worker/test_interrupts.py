"""What an interrupt leaves behind: nothing that the next job meets."""

import random
import threading
import time

import pytest
from django.db import connection as database
from django.db import transaction
from redis import Redis

from queues import Job, cancel_job, get_queue_stats, register_worker
from queues.exceptions import JobTimeout
from queues.worker.claims import Unit
from queues.worker.deadlines import Interrupted, interrupt
from tests.queues.conftest import wait_until
from tests.testapp.jobs import QUEUE, greet, spin


@pytest.mark.django_db(transaction=True)
def test_the_next_job_is_in_no_transaction_of_an_interrupted_one() -> None:
    seen: list[tuple[str, bool]] = []

    def handle(job: Job) -> None:
        seen.append((job.name, database.in_atomic_block))
        if job.name == "spin":
            transaction.atomic().__enter__()  # as if the interrupt had struck on the way in or out
            while True:
                time.sleep(0.01)

    with register_worker(QUEUE, handle, concurrency=1):
        stuck = spin.enqueue(seconds=60)
        wait_until(lambda: seen)
        cancel_job(stuck.id)
        greet.enqueue(name="Ann")
        wait_until(lambda: get_queue_stats(QUEUE).completed)
    assert seen == [("spin", False), ("greet", False)]


def test_an_interrupt_leaves_no_unread_answer_in_the_shared_connections(connection: Redis) -> None:
    """Whoever reads next must not be given the answer to what an interrupted thread asked."""
    wrong: list[tuple[str, bytes]] = []

    def ask(text: str) -> None:
        if (answer := connection.echo(text)) != text.encode():
            wrong.append((text, answer))

    def talk(unit: Unit, is_ready: threading.Event) -> None:
        unit.thread_id = threading.get_ident()
        is_ready.set()
        try:
            try:
                for number in range(1_000_000):
                    ask(str(number))
            finally:
                with unit.lock:
                    unit.is_over = True
        except Interrupted:
            return

    for turn in range(300):
        unit, is_ready = Unit(queue=QUEUE, name="x", claims=[], timeout_seconds=60), threading.Event()
        thread = threading.Thread(target=talk, args=(unit, is_ready))
        thread.start()
        is_ready.wait()
        time.sleep(random.random() * 0.002)
        interrupt(unit, JobTimeout("enough"))
        thread.join()
        ask(f"after {turn}")
    assert wrong == []
