"""What is read of a job's data, and what is not."""

import zlib

import orjson
import pytest

from queues.exceptions import Refused
from queues.store import payloads


def call(text: str) -> bytes:
    return zlib.compress(orjson.dumps([payloads.RUN, None, ["greet"], {"name": text}]))


def test_compressed_data_is_read() -> None:
    assert payloads.decode(call("Ann")).payload == {"name": "Ann"}


def test_a_small_text_that_inflates_to_very_much_is_refused_unread() -> None:
    bomb = call(" " * payloads.MAX_INFLATED_BYTES)
    assert len(bomb) < 100_000
    with pytest.raises(Refused, match="inflates to more than 67108864 bytes"):
        payloads.decode(bomb)
