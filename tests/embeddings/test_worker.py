"""The worker inside a process, for development servers and tests."""

import pytest
from django.contrib.auth.models import User

from embeddings import initialize_embedding_worker
from queues import AlreadyRegistered, register_worker
from tests.embeddings.conftest import stored
from tests.processes import wait_until
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_save_is_embedded_by_it(ann: User) -> None:
    with initialize_embedding_worker():
        note = Note.objects.create(author=ann, title="saved")
        wait_until(lambda: stored() == {("note", str(note.pk), "saved")})


def test_a_second_call_gives_the_same_worker_and_a_closed_one_is_replaced() -> None:
    with initialize_embedding_worker(concurrency=2) as worker:
        assert initialize_embedding_worker() is worker
    with initialize_embedding_worker() as another:
        assert another is not worker and another.is_running


def test_a_worker_that_was_started_otherwise_is_not_taken_over() -> None:
    with register_worker("embeddings"), pytest.raises(AlreadyRegistered):
        initialize_embedding_worker()


def test_a_concurrency_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="concurrency must be a whole number"):
        initialize_embedding_worker(concurrency=0)
