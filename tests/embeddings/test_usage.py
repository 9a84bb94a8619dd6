"""Usage: each answered request is counted for its owners by the provider's own count, exactly."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Sum

from embeddings import search
from embeddings.models import DirtyEntity, EmbeddingUsage
from embeddings.providers.fake import FakeProvider
from embeddings.usage import PaidRequest, divide, record_usage
from tests.clock import DAY, stay_in_one
from tests.embeddings.conftest import stored, work
from tests.embeddings.failing import promote_all
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def seen(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The tokens of each answered request, as the provider counts them: oddly, so that no estimate divides them evenly."""
    answered: list[int] = []
    embed = provider._embed

    def count(texts: Any, **options: Any) -> Any:
        batch = embed(texts, **options)
        answered.append(7 * len(texts) + 3)
        return type(batch)(vectors=batch.vectors, tokens=answered[-1])

    monkeypatch.setattr(provider, "_embed", count)
    return answered


def usage() -> dict[str, tuple[int, int]]:
    return {row.owner_id: (row.requests, row.tokens) for row in EmbeddingUsage.objects.all()}


def total() -> int:
    return int(EmbeddingUsage.objects.aggregate(total=Sum("tokens"))["total"] or 0)


def test_a_request_is_divided_over_its_owners_and_its_sum_is_exact(ann: User, bob: User, seen: list[int]) -> None:
    stay_in_one(DAY)
    for number in range(7):
        Note.objects.create(author=ann if number % 3 else bob, title="word " * (number + 1))
    work()
    assert seen == [7 * 7 + 3]
    assert {owner: requests for owner, (requests, _) in usage().items()} == {str(ann.pk): 1, str(bob.pk): 1}
    assert total() == sum(seen)
    row = EmbeddingUsage.objects.first()
    assert row and (row.provider, row.model) == ("fake", "bag-of-words")
    with connection.cursor() as cursor:
        cursor.execute("SELECT (now() AT TIME ZONE 'UTC')::date")
        assert cursor.fetchone() == (row.day,)


def test_bisected_requests_that_were_answered_count_each(ann: User, bob: User, provider: FakeProvider, seen: list[int]) -> None:
    provider.refuse("poison")
    for number in range(21):
        Note.objects.create(author=ann if number % 2 else bob, title="poison" if number == 13 else f"note {number}")
    work()
    assert len(stored()) == 20 and len(seen) > 3
    assert total() == sum(seen)


def test_what_was_answered_before_the_trouble_is_counted_and_not_twice(
    ann: User, provider: FakeProvider, seen: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "max_inputs", 5)
    provider.during_call = lambda texts: provider.limit_rate() if provider.calls == 2 else None
    for number in range(20):
        Note.objects.create(author=ann, title=f"note {number}")
    work()
    assert (len(stored()), total()) == (10, sum(seen)) and len(seen) == 2
    provider.reset()
    promote_all()
    work()
    assert (len(stored()), total(), usage()[str(ann.pk)][0]) == (20, sum(seen), 4)


def test_a_later_failure_does_not_lose_it(ann: User, seen: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    from embeddings.indexing import indexer

    def refuse(plans: list[object], model: object) -> set[object]:
        if plans:
            raise RuntimeError("the worker is killed here")
        return set()

    Note.objects.create(author=ann, title="note")
    monkeypatch.setattr(indexer, "store", refuse)
    work()
    assert (stored(), total()) == (set(), sum(seen)) and seen


def test_unchanged_content_costs_nothing(ann: User, seen: list[int]) -> None:
    note = Note.objects.create(author=ann, title="note")
    work()
    before = usage()
    note.save()
    work()
    assert (usage(), len(seen)) == (before, 1)


def test_what_only_probed_is_nobodys(ann: User, provider: FakeProvider, seen: list[int]) -> None:
    provider.break_on("poison")
    Note.objects.create(author=ann, title="poison")
    work()
    assert usage() == {"": (1, 10)} and seen == [10]


def test_garbage_that_was_billed_counts(ann: User, provider: FakeProvider, seen: list[int]) -> None:
    provider.garbage = "zero"
    Note.objects.create(author=ann, title="note")
    work()
    assert (usage(), stored()) == ({str(ann.pk): (1, 10)}, set())


def test_a_search_counts_for_the_searcher(ann: User, bob: User, seen: list[int]) -> None:
    Note.objects.create(author=ann, title="heart doctor")
    work()
    EmbeddingUsage.objects.all().delete()
    search(bob, "doctor")
    search(bob, "heart")
    assert usage() == {str(bob.pk): (2, 20)}


def test_a_search_in_a_transaction_counts_after_it_and_holds_no_row_meanwhile(ann: User, provider: FakeProvider) -> None:
    search(ann, "before")
    with transaction.atomic():
        search(ann, "doctor")
        assert usage() == {str(ann.pk): (1, 10)}

        def search_too() -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            search(ann, "at the same time")
            found.append(usage()[str(ann.pk)][0])
            connection.close()

        found: list[int] = []
        thread = threading.Thread(target=search_too)
        thread.start()
        thread.join()
        assert found == [2]
    assert usage() == {str(ann.pk): (3, 30)}


def test_a_search_in_a_transaction_that_is_rolled_back_is_not_counted(ann: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        search(ann, "doctor")
        raise RuntimeError
    assert usage() == {}


def test_a_failure_to_record_is_logged_and_fails_nothing(
    ann: User, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embeddings.usage.ADD", "INSERT INTO no_such_table SELECT %s, %s, %s, %s, %s")
    Note.objects.create(author=ann, title="heart doctor")
    work()
    assert [hit.content for hit in search(ann, "doctor")] == ["heart doctor"]
    assert caplog.text.count("could not be recorded") == 2
    assert DirtyEntity.objects.count() == 0


def test_workers_that_add_for_the_same_owners_lose_nothing_and_do_not_deadlock(provider: FakeProvider) -> None:
    owners = [f"owner {number}" for number in range(30)]
    errors: list[Exception] = []

    def add(shift: int) -> None:
        mixed = owners[shift:] + owners[:shift]
        try:
            for _ in range(20):
                record_usage([PaidRequest(texts=range(30), estimates=[1] * 30, tokens=61)], mixed, provider, using="default")
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=(shift,)) for shift in (0, 7, 15, 23)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, total(), usage()["owner 3"][0]) == ([], 4 * 20 * 61, 80)


@pytest.mark.parametrize(
    ("tokens", "weights"),
    [
        (10, {"a": 1, "b": 1, "c": 1}),
        (2, {"a": 1, "b": 1, "c": 1}),
        (0, {"a": 5}),
        (7, {"a": 0}),
        (7, {"a": 0, "b": 3}),
        (10**12, {"a": 7, "b": 11}),
    ],
)
def test_shares_follow_the_weights_and_their_sum_is_exact(tokens: int, weights: dict[str, int]) -> None:
    shares = divide(tokens, weights)
    whole = sum(weights.values())
    assert sum(shares.values()) == (tokens if whole else 0)
    assert all(abs(share - tokens * weights[owner] / max(whole, 1)) <= 1 for owner, share in shares.items())
