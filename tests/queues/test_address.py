import pytest

from queues.address import describe, server_key


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"URL": "redis://user:secret@redis.internal:6379/2"}, "redis://redis.internal:6379/2"),
        ({"URL": "rediss://:se/cr@et@redis.internal"}, "rediss://redis.internal"),
        ({"URL": "redis://redis.internal/0?password=secret"}, "redis://redis.internal/0"),
        ({"URL": "user:secret@redis.internal"}, "redis.internal"),
        ({"URL": "unix:///run/redis.sock?db=0"}, "unix:///run/redis.sock"),
        ({"UNIX_SOCKET_PATH": "/run/redis.sock", "DB": 0, "PASSWORD": "secret"}, "unix:///run/redis.sock"),
        ({"HOST": "redis.internal", "PORT": 6380, "DB": 3, "PASSWORD": "secret"}, "redis://redis.internal:6380/3"),
        ({"SENTINELS": [("one", 26379)], "MASTER_NAME": "main", "PASSWORD": "secret"}, "the Sentinel service main"),
        ({"USE_REDIS_CACHE": "default"}, "the cache 'default'"),
    ],
)
def test_a_server_is_shown_without_its_password(config: dict[str, object], text: str) -> None:
    assert describe(config) == text


def test_queues_with_the_same_connection_share_a_server_whatever_else_differs() -> None:
    one = {"URL": "redis://redis.internal/0", "CONCURRENCY": 3}
    assert server_key(one) == server_key({"CONCURRENCY": 5, "URL": "redis://redis.internal/0"})
    assert server_key(one) != server_key({"URL": "redis://redis.internal/1"})
