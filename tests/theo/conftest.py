import pytest

from queues import get_queue


@pytest.fixture
def empty_queue():
    """The tests' Redis, empty at the start of the test: other tests' rows are gone, and their jobs with this."""
    queue = get_queue("embeddings")
    queue.connection.flushdb()
    return queue
