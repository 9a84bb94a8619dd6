import pytest
from django.test import Client

from tests.queues.accounts import make_user
from tests.queues.filling import Committed


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Committed) -> Committed:
    """`with committed(execute=True):` publishes what is enqueued inside, as a commit does."""
    return django_capture_on_commit_callbacks


@pytest.fixture
def viewer(client: Client) -> Client:
    """The browser of somebody who may look at the pages, and nothing else."""
    client.force_login(make_user("view_queue"))
    return client
