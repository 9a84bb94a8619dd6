"""One fan-out row becomes many dirty rows: in batches, whatever happens in between."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import FieldError
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from embeddings.exceptions import NotRegistered
from embeddings.indexing import fan_out
from embeddings.indexing.fan_out import expand
from embeddings.models import DirtyEntity, FanOut
from embeddings.owing.fan_outs import enqueue_fan_outs
from queues import Job, get_failed_jobs, get_queue, retry_failed
from queues.testing import run_jobs
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Album, Artist, Label, Membership, Note, Shelf, Song

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf.objects.create(name="old")


def waiting(name: str) -> list[Job]:
    return [job for job in get_queue("embeddings").jobs("waiting") if job.name == name]


def expand_shelf(shelf: Shelf) -> int:
    return expand("note", "shelf", str(shelf.pk), using="default")


def dirty() -> dict[str, int]:
    return dict(DirtyEntity.objects.values_list("entity_id", "version"))


def put_notes(owner: User, shelf: Shelf, count: int) -> list[Note]:
    return Note.objects.bulk_create(Note(author=owner, title=str(number), shelf=shelf) for number in range(count))


def test_saving_a_row_with_ten_thousand_dependants_costs_what_it_costs_with_one(ann: User, shelf: Shelf) -> None:
    put_notes(ann, shelf, 1)
    with CaptureQueriesContext(connection) as with_one:
        shelf.save()
    put_notes(ann, shelf, 9_999)
    with CaptureQueriesContext(connection) as with_many:
        shelf.save()
    assert len(with_many) == len(with_one) <= 4, "BEGIN, the save, the fan-out row, COMMIT"
    assert (FanOut.objects.count(), DirtyEntity.objects.count(), len(get_queue("embeddings").jobs("waiting"))) == (1, 0, 1)
    assert expand_shelf(shelf) == 10_000
    assert (FanOut.objects.count(), DirtyEntity.objects.count()) == (0, 10_000)
    bulk = waiting("bulk-embed")
    assert [len(job.data["entity_ids"]) for job in bulk] == [1000] * 10
    assert {job.data["user_id"] for job in bulk} == {str(ann.pk)}


def test_a_batch_of_many_owners_is_one_bulk_job(ann: User, bob: User, shelf: Shelf) -> None:
    for owner in (ann, bob):
        put_notes(owner, shelf, 60)
    shelf.save()
    expand_shelf(shelf)
    (job,) = waiting("bulk-embed")
    assert (job.data["user_id"], len(job.data["entity_ids"])) == ("", 120)


def test_few_dependants_get_a_job_each_as_their_own_saves_would(ann: User, bob: User, shelf: Shelf) -> None:
    notes = [*put_notes(ann, shelf, 2), *put_notes(bob, shelf, 1)]
    shelf.save()
    expand_shelf(shelf)
    jobs = {(job.data["user_id"], job.data["entity_id"]) for job in waiting("generate-embedding")}
    assert jobs == {(str(note.author_id), str(note.pk)) for note in notes}


def test_an_expansion_that_broke_off_goes_on_where_it_was(ann: User, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = put_notes(ann, shelf, 5)
    shelf.save()
    monkeypatch.setattr(fan_out, "PART", 2)
    record, calls = fan_out.record, []

    def killed_in_the_second_batch(*args: object, **options: object) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        record(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(fan_out, "record", killed_in_the_second_batch)
    with pytest.raises(KeyboardInterrupt):
        expand_shelf(shelf)
    before = dirty()
    assert set(before) == {str(note.pk) for note in notes[:2]}
    assert FanOut.objects.get().position == str(notes[1].pk)
    assert expand_shelf(shelf) == 3
    assert set(dirty()) == {str(note.pk) for note in notes}
    assert {key: dirty()[key] for key in before} == before, "what was marked is not marked again"
    assert FanOut.objects.count() == 0


def test_a_row_that_is_renewed_meanwhile_starts_over_in_a_job_of_its_own(ann: User, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    put_notes(ann, shelf, 5)
    shelf.save()
    monkeypatch.setattr(fan_out, "PART", 2)
    record = fan_out.record

    def record_and_save(*args: object, **options: object) -> None:
        record(*args, **options)  # type: ignore[arg-type]
        monkeypatch.setattr(fan_out, "record", record)
        save = threading.Thread(target=lambda: (shelf.save(), connection.close()))
        save.start()
        save.join()

    monkeypatch.setattr(fan_out, "record", record_and_save)
    get_queue("embeddings").connection.flushdb()
    assert expand_shelf(shelf) == 2
    assert FanOut.objects.get().position == ""
    assert len(waiting("expand-fan-out")) == 1
    assert expand_shelf(shelf) == 5


def test_a_row_that_is_renewed_in_its_last_batch_stays_owed(ann: User, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    put_notes(ann, shelf, 2)
    shelf.save()
    record = fan_out.record

    def record_and_save(*args: object, **options: object) -> None:
        record(*args, **options)  # type: ignore[arg-type]
        shelf.save()

    monkeypatch.setattr(fan_out, "record", record_and_save)
    expand_shelf(shelf)
    assert FanOut.objects.count() == 1


def test_two_workers_at_once_mark_everything(ann: User, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = put_notes(ann, shelf, 40)
    shelf.save()
    monkeypatch.setattr(fan_out, "PART", 3)
    start, errors = threading.Barrier(2), []

    def worker() -> None:
        start.wait()
        try:
            expand_shelf(shelf)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=worker) for _ in range(2)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert errors == []
    assert set(dirty()) == {str(note.pk) for note in notes}
    assert FanOut.objects.count() == 0
    assert expand_shelf(shelf) == 0, "once more does nothing"


def test_integer_keys_are_passed_through_in_the_order_of_numbers(ann: User, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out, "PART", 2)
    keys = [8, 9, 10, 99, 100, 101, 1000]
    Note.objects.bulk_create(Note(pk=key, author=ann, title="x", shelf=shelf) for key in keys)
    shelf.save()
    assert expand_shelf(shelf) == len(keys)
    assert set(dirty()) == {str(key) for key in keys}


def test_uuid_and_string_keys_are_passed_through_in_the_databases_order(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out, "PART", 2)
    label = Label.objects.create(code="BN", name="Blue Note")
    albums = Album.objects.bulk_create(Album(user=ann, title="x", label=label) for _ in range(7))
    codes = ["a", "B", "ä", "Z", "_", "10", "9", "a b", "it's"]
    Song.objects.bulk_create(Song(code=code, album=albums[0]) for code in codes)
    label.save()
    albums[0].save()
    assert expand("album", "label", str(label.pk), using="default") == 7
    assert expand("song", "album", str(albums[0].pk), using="default") == len(codes)
    assert set(dirty()) == {*(str(album.pk) for album in albums), *codes}


def test_an_entity_that_leads_there_twice_is_marked_once(ann: User) -> None:
    album, artist = Album.objects.create(user=ann, title="one"), Artist.objects.create(name="Nina")
    for role in ("piano", "voice"):
        Membership.objects.create(album=album, artist=artist, role=role)
    work()
    artist.save()
    assert expand("album", "artists", str(artist.pk), using="default") == 1


def test_deleting_a_row_with_many_dependants_marks_them_all(ann: User, shelf: Shelf) -> None:
    notes = put_notes(ann, shelf, 1500)
    with CaptureQueriesContext(connection) as queries:
        shelf.delete()
    assert len(queries) < 20
    assert len(waiting("expand-fan-out")) == 1
    (transaction_id,) = set(FanOut.objects.values_list("transaction_id", flat=True))
    assert expand("note", "", "", transaction_id=transaction_id, using="default") == 1500
    assert set(dirty()) == {str(note.pk) for note in notes}
    assert FanOut.objects.count() == 0


def test_a_row_that_nothing_leads_to_or_that_is_gone_is_done(shelf: Shelf) -> None:
    shelf.save()
    Shelf.objects.filter(pk=shelf.pk)._raw_delete("default")
    assert expand_shelf(shelf) == 0
    assert FanOut.objects.count() == 0
    assert expand("note", "shelf", "12345", using="default") == 0
    assert expand("note", "shelf", "rubbish", using="default") == 0


def owe(**fields: object) -> FanOut:
    row = {"entity_type": "note", "path": "shelf", "related_id": "1", "version": 5, "dirtied_at": Now(), "enqueued_at": Now(), **fields}
    created = FanOut.objects.create(**row)
    return FanOut.objects.get(pk=created.pk)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"entity_type": "ghost"}, NotRegistered),
        ({"path": "cupboard"}, FieldError),
        ({"related_id": "rubbish"}, ValueError),
        ({"path": "", "related_id": "rubbish", "transaction_id": 77}, ValueError),
        ({"path": "cupboard", "transaction_id": 77}, FieldError),
    ],
)
def test_a_row_that_makes_no_sense_is_parked_with_the_reason(fields: dict[str, object], error: type[Exception]) -> None:
    enqueue_fan_outs([owe(**fields)], using="default")
    run_jobs("embeddings", delayed=True)
    assert FanOut.objects.get().parked_reason.startswith(error.__name__)
    assert FanOut.objects.pending().count() == 0
    assert [job.name for job in get_failed_jobs("embeddings")] == ["expand-fan-out"]


def test_a_parked_row_is_taken_up_by_the_next_save_or_by_a_retry(ann: User, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.testapp.embeddables import NoteEmbeddable

    (note,) = put_notes(ann, shelf, 1)
    monkeypatch.setattr(NoteEmbeddable, "owner", "nobody")
    shelf.save()
    run_jobs("embeddings", delayed=True)
    assert FanOut.objects.parked().count() == 1
    monkeypatch.undo()
    retry_failed("embeddings")
    work()
    assert {key for _, key, _ in stored()} == {str(note.pk)}
    assert FanOut.objects.count() == 0
    FanOut.objects.create(
        entity_type="note", path="shelf", related_id=str(shelf.pk), version=1, dirtied_at=Now(), enqueued_at=Now(), parked_reason="x"
    )
    shelf.save()
    row = FanOut.objects.get()
    assert (row.parked_reason, row.parked_at) == ("", None)


def test_a_row_is_parked_whatever_its_error_says(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.testapp.embeddables import NoteEmbeddable

    monkeypatch.setattr(NoteEmbeddable, "owner", "no\x00body")
    shelf.save()
    run_jobs("embeddings", delayed=True)
    assert "'nobody'" in FanOut.objects.get().parked_reason, "PostgreSQL refuses NUL"


def test_a_row_that_is_newer_than_what_died_is_not_parked(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.testapp.embeddables import NoteEmbeddable

    monkeypatch.setattr(NoteEmbeddable, "owner", "nobody")
    shelf.save()
    shelf.save()
    run_jobs("embeddings", delayed=True)
    assert FanOut.objects.pending().count() == 1, "the job's hint is the first save's version: the sweep sends another"
    enqueue_fan_outs(list(FanOut.objects.all()), using="default")
    run_jobs("embeddings", delayed=True)
    assert FanOut.objects.parked().count() == 1


def test_rows_whose_job_was_lost_are_enqueued_again_a_transactions_rows_in_one_job(ann: User, shelf: Shelf) -> None:
    shelf.save()
    other = Shelf.objects.create(name="other")
    notes = put_notes(ann, other, 3)
    other.delete()
    get_queue("embeddings").connection.flushdb()
    rows = list(FanOut.objects.overdue(timedelta(0)))
    assert len(rows) == 4
    enqueue_fan_outs(rows, using="default")
    assert len(waiting("expand-fan-out")) == 2
    assert FanOut.objects.overdue(timedelta(seconds=5)).count() == 0
    work()
    assert {key for _, key, _ in stored()} == {str(note.pk) for note in notes}
    assert FanOut.objects.count() == 0
