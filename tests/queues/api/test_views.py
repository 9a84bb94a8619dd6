import time

import pytest
from django.test import Client
from redis import Redis

from queues.store import keys
from tests.queues.accounts import make_user
from tests.queues.filling import Committed, fill_queue
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db

URL = "/api/admin/queues"
EMPTY = {"waiting": 0, "active": 0, "completed": 0, "failed": 0, "delayed": 0}


def test_all_queues_are_answered_in_the_specified_shape(operator: Client, committed: Committed) -> None:
    fill_queue(committed)
    response = operator.get(URL)
    assert response.status_code == 200
    assert response.json() == {
        "queues": {
            "embeddings": EMPTY,
            "email-sync": EMPTY,
            QUEUE: {"waiting": 1, "active": 0, "completed": 1, "failed": 1, "delayed": 1},
        }
    }


def test_a_queue_that_cannot_be_read_is_named_with_503_and_hides_no_other(operator: Client, connection: Redis) -> None:
    connection.set(keys.completed(QUEUE), "rubbish")
    response = operator.get(URL)
    assert response.status_code == 503
    document = response.json()
    assert document["queues"] == {"embeddings": EMPTY, "email-sync": EMPTY}
    assert f"Cannot be read, as a key in Redis is of another type: {QUEUE}." in document["error"]
    alone = operator.get(f"{URL}/{QUEUE}")
    assert (alone.status_code, keys.completed(QUEUE) in alone.json()["error"]) == (503, True)


def test_the_answer_is_never_stored(operator: Client) -> None:
    assert "no-store" in operator.get(URL)["Cache-Control"]


def test_an_anonymous_caller_gets_401_as_json(client: Client) -> None:
    response = client.get(URL)
    assert (response.status_code, list(response.json())) == (401, ["error"])
    assert "no-store" in response["Cache-Control"]
    assert "WWW-Authenticate" in response


@pytest.mark.parametrize(
    ("permissions", "is_staff"), [((), True), (("view_queue",), False), (("change_queue",), True)], ids=["none", "no staff", "another"]
)
def test_a_caller_without_the_right_gets_403_as_json(client: Client, permissions: tuple[str, ...], is_staff: bool) -> None:
    client.force_login(make_user(*permissions, is_staff=is_staff))
    response = client.get(URL)
    assert response.status_code == 403
    assert "queues.view_queue" in response.json()["error"]


def test_an_account_that_was_switched_off_gets_401(client: Client) -> None:
    user = make_user("view_queue")
    client.force_login(user)
    user.is_active = False
    user.save()
    assert client.get(URL).status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_nothing_but_get_is_answered(method: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("view_queue"))
    response = getattr(client, method)(URL)
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert "error" in response.json()


def test_redis_away_is_503_within_a_second(operator: Client, settings) -> None:
    away = {"URL": "redis://:secret@127.0.0.1:1/0", "SERIALIZER": "json"}
    settings.RQ_QUEUES = {"one": away, "two": away, "three": away}
    start = time.monotonic()
    response = operator.get(URL)
    assert (response.status_code, list(response.json())) == (503, ["error"])
    assert time.monotonic() - start < 1
    assert "secret" not in response.content.decode()
