"""Each minute a bounded look: what was lost is enqueued again, and every pass goes on where the last one ended."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import override_settings

from embeddings import embeddings_disabled, status
from embeddings.conf import settings
from embeddings.jobs import sweep_embeddings
from embeddings.models import DirtyEntity, Embedding, EmbeddingModel, EmbeddingState, FanOut, SyncProgress
from embeddings.reconciling import comparing, contents, reconciler
from embeddings.reconciling.keys import look
from embeddings.reconciling.mending import owe_found
from embeddings.reconciling.reconciler import tick
from embeddings.reconciling.sweep import sweep
from embeddings.reconciling.window import Finding
from queues import get_queue, get_queue_stats
from tests.embeddings.conftest import stored, work
from tests.testapp.embeddables import NoteEmbeddable
from tests.testapp.models import Note, Shelf

AGE = timedelta(seconds=settings.sweep_age_seconds)

pytestmark = pytest.mark.django_db(transaction=True)


def quietly(count: int, **values: object) -> list[Note]:
    """Notes that no signal told of."""
    return Note.objects.bulk_create([Note(title=f"note {number}", **values) for number in range(count)])


def progress(kind: str) -> SyncProgress:
    return SyncProgress.objects.get(entity_type="note", kind=kind)


def forget_redis() -> None:
    get_queue("embeddings").connection.flushdb()


def make_overdue() -> None:
    for table in (DirtyEntity, FanOut):
        table.objects.update(enqueued_at=Now() - 2 * AGE)


def test_the_job_of_every_minute_finds_what_no_signal_told(ann: User) -> None:
    gone, moved = [Note.objects.create(author=ann, title=title) for title in ("gone", "edited")]
    work()
    quietly(2, author=ann)
    Note.objects.filter(pk=gone.pk)._raw_delete("default")
    Note.objects.filter(pk=moved.pk).update(title="edited quietly")
    assert sweep_embeddings() == 4
    work()
    assert {content for _, _, content in stored()} == {"note 0", "note 1", "edited quietly"}
    assert status().is_right
    assert sweep_embeddings() == 0


def test_a_tick_enqueues_no_more_than_its_bound_and_the_next_one_goes_on(ann: User) -> None:
    notes = quietly(10, author=ann)
    assert [tick(most=4) for _ in range(2)] == [4, 4]
    assert (DirtyEntity.objects.count(), get_queue_stats("embeddings").waiting) == (8, 8)
    assert tick(most=4) == 2
    assert work() == 10
    assert len(stored()) == len(notes)


def test_a_pass_looks_at_a_window_and_begins_anew_after_its_end(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "KEYS_WINDOW", 4)
    monkeypatch.setattr(reconciler, "CONTENTS_WINDOW", 4)
    notes = [Note.objects.create(author=ann, title=f"note {number}") for number in range(10)]
    work()
    seen = []
    for _ in range(4):
        tick()
        seen.append([(progress(kind).position, progress(kind).checked) for kind in ("keys", "contents")])
    assert seen[0] == [(str(notes[3].pk), 4)] * 2
    assert seen[1] == [(str(notes[7].pk), 8)] * 2
    assert seen[2] == [("", 10)] * 2
    assert seen[3] == seen[0]
    assert progress("keys").started_at > progress("keys").finished_at
    assert status(entity_types=["note"]).types[0].contents_compared_at == progress("contents").finished_at


def test_orphans_are_found_across_windows(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "KEYS_WINDOW", 3)
    notes = [Note.objects.create(author=ann, title=f"note {number}") for number in range(12)]
    work()
    Embedding.objects.filter(entity_id__in=[note.pk for note in notes[::2]]).delete()
    EmbeddingState.objects.filter(entity_id__in=[note.pk for note in notes[1::2]]).delete()
    Note.objects.filter(pk__in=[note.pk for note in notes[:6]])._raw_delete("default")
    for _ in range(4):
        tick()
    work()
    assert len(stored()) == 6
    assert status(entity_types=["note"]).types[0].wrong == 0


def test_a_pass_that_fails_is_logged_and_stops_no_other(
    ann: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    quietly(1, author=ann)

    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("no contents today")

    monkeypatch.setattr(contents, "look", fail)
    assert tick() == 1
    assert "The comparison of contents of note failed" in caplog.text


def test_ticks_at_once_are_harmless(ann: User) -> None:
    quietly(20, author=ann)
    results: list[int] = []

    def run() -> None:
        results.append(tick())
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and sum(results) >= 20
    work()
    assert len(stored()) == 20
    assert status().is_right


def test_lost_jobs_of_rows_and_of_fan_outs_are_enqueued_again(ann: User) -> None:
    shelf = Shelf.objects.create(name="cooking")
    Note.objects.create(author=ann, title="soup", shelf=shelf)
    work()
    shelf.name = "kitchen"
    shelf.save()
    Note.objects.create(author=ann, title="new")
    forget_redis()
    assert (sweep(), get_queue_stats("embeddings").waiting) == (0, 0), "young rows have their job on the way"
    make_overdue()
    assert sweep() == 2
    assert sweep() == 0, "they were enqueued just now"
    work()
    assert {content for _, _, content in stored()} == {"soup on the shelf kitchen", "new"}
    assert FanOut.objects.count() == 0


def test_a_row_that_no_job_can_name_is_parked_and_holds_up_no_other(ann: User) -> None:
    Note.objects.create(author=ann, title="fine")
    DirtyEntity.objects.create(entity_type="note", entity_id="", version=1, dirtied_at=Now(), enqueued_at=Now())
    forget_redis()
    make_overdue()
    tick()
    assert work() == 1
    assert "entity_id" in DirtyEntity.objects.get(entity_id="").parked_reason


def test_a_saver_is_never_the_victim_of_a_check(ann: User) -> None:
    """The check wants both rows; the saver has the second, and comes for the first while the check waits."""
    notes = quietly(2, author=ann)
    found = [Finding(kind="missing", entity_id=str(note.pk), rank=rank) for rank, note in enumerate(notes, start=1)]
    model = EmbeddingModel.objects.active()
    window = look(NoteEmbeddable(Note), model, limit=10, most=10)
    assert [finding.entity_id for finding in window.found] == [finding.entity_id for finding in found]
    held, errors = threading.Event(), []

    def save_backwards() -> None:
        try:
            with transaction.atomic():
                notes[1].save()
                held.set()
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.2)")
                notes[0].save()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    saver = threading.Thread(target=save_backwards)
    saver.start()
    held.wait(5)
    owe_found("note", found, model)
    saver.join()
    assert errors == []
    work()
    assert len(stored()) == 2


def test_rows_saved_while_contents_are_compared_are_never_taken_for_right(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    note = Note.objects.create(author=ann, title="before")
    work()
    make_plan: Callable = contents.make_plan

    def save_meanwhile(*arguments: object, **options: object) -> object:
        monkeypatch.setattr(contents, "make_plan", make_plan)
        Note.objects.filter(pk=note.pk).update(title="quietly after the check had read it")
        other = Note.objects.get(pk=note.pk)
        other.title = "after"
        other.save()
        return make_plan(*arguments, **options)

    monkeypatch.setattr(contents, "make_plan", save_meanwhile)
    tick()
    work()
    assert {content for _, _, content in stored()} == {"after"}
    assert status().is_right


def test_content_that_cannot_be_built_is_counted_and_stops_nothing(ann: User, caplog: pytest.LogCaptureFixture) -> None:
    bad, edited = [Note.objects.create(author=ann, title=title) for title in ("good", "edited")]
    work()
    Note.objects.filter(pk=bad.pk).update(title="unbuildable")
    Note.objects.filter(pk=edited.pk).update(title="edited quietly")
    (report,) = reconciler.reconcile(full=True, entity_types=["note"])
    assert (report.differing, report.failing) == (1, 1)
    assert "could not be built" in caplog.text
    work()
    assert {content for _, _, content in stored()} == {"good", "edited quietly"}


def test_hidden_and_emptied_rows_are_found_by_content(ann: User) -> None:
    hidden, emptied, shown = [Note.objects.create(author=ann, title=title, is_hidden=title == "c") for title in "abc"]
    work()
    Note.objects.filter(pk=hidden.pk).update(is_hidden=True)
    Note.objects.filter(pk=emptied.pk).update(title="")
    Note.objects.filter(pk=shown.pk).update(is_hidden=False)
    assert reconciler.reconcile(full=True, entity_types=["note"])[0].differing == 3
    work()
    assert {content for _, _, content in stored()} == {"c"}
    assert reconciler.reconcile(full=True, entity_types=["note"])[0].differing == 0


def test_an_interrupted_full_comparison_goes_on_where_it_was(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "CONTENTS_WINDOW", 3)
    for number in range(9):
        Note.objects.create(author=ann, title=f"note {number}")
    work()
    Note.objects.update(body="quietly")
    seen: list[tuple[int, int]] = []

    def interrupt(entity_type: str, done: int, total: int) -> None:
        seen.append((done, total))
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconciler.reconcile(full=True, entity_types=["note"], on_progress=interrupt)
    assert (seen, DirtyEntity.objects.count()) == ([(0, 9), (3, 9), (6, 9)], 6)
    seen.clear()
    (report,) = reconciler.reconcile(full=True, entity_types=["note"], on_progress=lambda *told: seen.append(told[1:]))
    assert (seen[:2], report.differing) == ([(6, 9), (9, 9)], 3)
    work()
    assert {content for _, _, content in stored()} == {f"note {number} quietly" for number in range(9)}


def test_an_old_interrupted_comparison_begins_anew(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "CONTENTS_WINDOW", 1)
    note = Note.objects.create(author=ann, title="a")
    Note.objects.create(author=ann, title="b")
    work()
    long_ago = Now() - 2 * comparing.RESUMED_WITHIN
    SyncProgress.objects.create(entity_type="note", kind="full", position=str(note.pk), checked=1, started_at=long_ago)
    seen: list[int] = []
    reconciler.reconcile(full=True, entity_types=["note"], on_progress=lambda entity_type, done, total: seen.append(done))
    assert seen[:3] == [0, 1, 2] and max(seen) == 2


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
@override_settings(EMBEDDINGS_DATABASES=("default", "other"))
def test_a_second_database_is_compared_by_itself(ann: User) -> None:
    eve = User(pk=ann.pk, username="eve")
    eve.save(using="other")
    with embeddings_disabled():
        Note.objects.using("other").create(author=eve, title="there")
    counts = {report.database: report.missing for report in status(entity_types=["note"]).types}
    assert counts == {"default": 0, "other": 1}
    assert sweep_embeddings() == 1
    work()
    assert status().is_right
    assert Embedding.objects.using("other").get().content == "there"
    assert Embedding.objects.count() == 0
    Note.objects.using("other").all()._raw_delete("other")
    assert status(using="other").count("orphaned") == 1
