import pytest

from tests.queues.filling import Committed


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Committed) -> Committed:
    """`with committed(execute=True):` publishes what is enqueued inside, as a commit does."""
    return django_capture_on_commit_callbacks
