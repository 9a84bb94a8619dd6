from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_rq import get_queue as get_rq_queue
from django_rq.settings import get_queues_map
from redis import Redis

from queues.worker import ConcurrentWorker
from tests.queues.compatibility.states import Filled, fill
from tests.testapp.jobs import QUEUE


@pytest.fixture
def holder(connection: Redis) -> Iterator[ConcurrentWorker]:
    """A worker that has announced itself, and then keeps still: whatever changes afterwards, a reader changed."""
    queue = get_rq_queue(QUEUE)
    worker = ConcurrentWorker([queue], connection=queue.connection, name="holder", serializer="json")
    worker.register_birth()
    worker.heartbeat()
    yield worker
    worker.connection.close()


@pytest.fixture
def filled(connection: Redis, holder: ConcurrentWorker) -> Filled:
    return fill(connection)


@pytest.fixture
def page(client: Client, settings: object) -> str:
    """The address of django-rq's pages of the tests' queue, for a superuser who is logged in; fill with the number that django-rq
    gives the queue."""
    client.force_login(User.objects.create_superuser("root"))
    return f"/django-rq/queues/{get_queues_map()[QUEUE]}/"
