import pytest
from django.test import Client

from tests.queues.accounts import make_user


@pytest.fixture
def viewer(client: Client) -> Client:
    """The browser of somebody who may look at the pages, and nothing else."""
    client.force_login(make_user("view_queue"))
    return client
