from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client, override_settings

from queues import close_queues
from queues.api.tokens import hash_of, new_token
from tests.processes import RedisServer
from tests.queues.accounts import make_user
from tests.testapp.jobs import QUEUE


@pytest.fixture
def operator(client: Client) -> Client:
    """A staff user's browser."""
    client.force_login(make_user("view_queue"))
    return client


@pytest.fixture
def token(settings) -> str:
    """One of two tokens that the settings know."""
    token = new_token()
    settings.QUEUES_API_TOKENS = {"grafana": hash_of(new_token()), "prometheus": hash_of(token)}
    return token


@pytest.fixture
def program(token: str) -> Client:
    """Who sends the token."""
    return Client(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def server(tmp_path: Path, settings) -> Iterator[RedisServer]:
    """A Redis of the test's own: the queue's, beside the tests' server for all others."""
    server = RedisServer(tmp_path / "redis")
    own = {"URL": server.url.replace("//", "//:secret@"), "SERIALIZER": "rq.serializers.JSONSerializer"}
    server.client.config_set("requirepass", "secret")
    server.client.connection_pool.connection_kwargs["password"] = "secret"
    with override_settings(RQ_QUEUES={**settings.RQ_QUEUES, QUEUE: own}):
        yield server
        close_queues()
    server.go_on()
    server.close()
