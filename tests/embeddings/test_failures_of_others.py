"""What the provider or the database fails charges nothing, and nonsense is never stored."""

from collections.abc import Sequence

import pytest
from django.contrib.auth.models import User

from embeddings.indexing import asking
from embeddings.models import DirtyEntity
from embeddings.providers.fake import FakeProvider
from queues import QueueStats, get_queue, get_queue_stats
from tests.embeddings.conftest import stored, work
from tests.embeddings.failing import promote_all, work_to_the_end
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("trouble", ["limit_rate", "go_down", "misconfigure"])
def test_a_provider_in_trouble_charges_no_attempt(ann: User, provider: FakeProvider, trouble: str) -> None:
    for number in range(3):
        Note.objects.create(author=ann, title=f"note {number}")
    getattr(provider, trouble)()
    for _ in range(5):
        work()
        promote_all()
    assert {job.attempts_made for job in get_queue("embeddings").jobs("waiting")} == {0}
    assert get_queue_stats("embeddings") == QueueStats(waiting=3)
    provider.reset()
    work()
    assert len(stored()) == 3


@pytest.mark.parametrize("garbage", ["count", "dimension", "nan", "zero"])
def test_garbage_from_the_provider_is_never_stored(ann: User, provider: FakeProvider, garbage: str) -> None:
    Note.objects.create(author=ann, title="note")
    provider.garbage = garbage  # type: ignore[assignment]
    work()
    assert stored() == set()
    assert get_queue("embeddings").jobs("delayed")[0].attempts_made == 0
    provider.reset()
    promote_all()
    work()
    assert len(stored()) == 1


def test_one_refused_text_fails_alone(ann: User, provider: FakeProvider) -> None:
    for number in range(20):
        Note.objects.create(author=ann, title=f"note {number}")
    Note.objects.create(author=ann, title="poison")
    provider.refuse("poison")
    work_to_the_end()
    assert len(stored()) == 20
    assert [row.parked_reason for row in DirtyEntity.objects.all()] == ["InvalidInput: The fake provider refuses a text."]


def test_an_entity_that_is_too_much_for_the_time_of_a_job_fails_visibly_and_keeps_no_other_waiting(
    ann: User, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "max_inputs", 1)
    monkeypatch.setattr(provider, "max_input_tokens", 12)

    def time_is_over_after(texts: Sequence[str]) -> None:
        if "sentence" in texts[0]:
            monkeypatch.setattr(asking, "LEAST_SECONDS", 1000.0)

    provider.during_call = time_is_over_after
    Note.objects.create(author=ann, title="One sentence of some length. Another sentence that is as long. A third sentence too.")
    Note.objects.create(author=ann, title="short")
    work()
    assert {content for _, _, content in stored()} == {"short"}
    jobs = get_queue("embeddings").jobs("delayed")
    assert {(job.error_class, job.attempts_made) for job in jobs} == {("OutOfTime", 1), ("RetryLater", 0)}
    for _ in range(2):
        monkeypatch.setattr(asking, "LEAST_SECONDS", 10.0)
        promote_all()
        work()
    assert DirtyEntity.objects.get().parked_reason.startswith("OutOfTime: Of its 3 chunks only 1 ")


def test_a_failure_of_its_own_is_charged_even_where_the_provider_fails_the_others(ann: User, provider: FakeProvider) -> None:
    for title in ("unbuildable", "fine"):
        Note.objects.create(author=ann, title=title)
    provider.go_down()
    work()
    jobs = get_queue("embeddings").jobs("delayed")
    assert {(job.error_class, job.attempts_made) for job in jobs} == {("ValueError", 1), ("RetryLater", 0)}


def test_what_a_provider_was_paid_for_is_kept(ann: User, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "max_inputs", 10)

    def stop_after_three(texts: object) -> None:
        if provider.calls == 3:
            provider.limit_rate(retry_after=1)

    provider.during_call = stop_after_three
    for number in range(50):
        Note.objects.create(author=ann, title=f"note {number}")
    work()
    assert len(stored()) == 30
    assert get_queue_stats("embeddings").delayed == 50, "all come back, those served already for a look only"
    provider.reset()
    promote_all()
    work()
    assert (len(stored()), len(provider.texts)) == (50, 20)
