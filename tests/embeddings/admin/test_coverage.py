"""How complete the index is, as an operator reads it."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from embeddings import embeddings_disabled
from embeddings.admin import rows
from embeddings.models import DirtyEntity, EmbeddingModel, EmbeddingState, EmbeddingUsage, FanOut
from embeddings.providers.fake import FakeProvider
from queues import add_job, close_queues
from tests.clock import DAY, stay_in_one
from tests.embeddings.admin.conftest import COVERAGE, MARKUP, NOTHING, cells, park, text_of
from tests.embeddings.conftest import work
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)

RETRY = f"{COVERAGE}retry/"


@pytest.fixture
def read(viewer: Client):
    return lambda: viewer.get(COVERAGE).content.decode()


def count() -> None:
    add_job("embeddings", "count-embeddings", {})
    work()


def test_a_type_shows_what_is_embedded_of_how_many_pending_failed_and_parked(ann: User, read) -> None:
    for number in range(3):
        Note.objects.create(author=ann, title=f"note {number}")
    Note.objects.create(author=ann, title="")
    work()
    EmbeddingState.objects.filter(entity_id=str(Note.objects.first().pk)).update(error_class="InvalidInput")
    park(Note.objects.create(author=ann, title="parked"))
    Note.objects.create(author=ann, title="pending")
    FanOut.objects.create(entity_type="note", path="shelf", related_id="1", version=1, dirtied_at=Now(), enqueued_at=Now())
    embedded, pending, failed, parked, oldest, stale, orphaned, rest = cells(read(), "note")
    assert embedded == "3 of 5 (60&nbsp;%)", "of six rows one has no content"
    assert (pending, failed, parked) == ("1", "1", "1")
    assert re.fullmatch(r"\d+ seconds? ago", oldest)
    assert (stale, orphaned) == (NOTHING, NOTHING), "nobody has counted them yet"
    assert rest == "1 changed row whose dependants are to be marked."
    assert cells(read(), "document")[0] == "nothing to embed"


def test_what_needs_a_comparison_is_shown_as_it_was_last_counted(ann: User, read) -> None:
    stale, gone, _, refused = [
        Note.objects.create(author=ann, title=title, is_hidden=title == "refused") for title in ("stale", "gone", "right", "refused")
    ]
    work()
    EmbeddingState.objects.filter(entity_id=str(stale.pk)).update(recipe="of last year")
    with embeddings_disabled():
        gone.delete()
        Note.objects.create(author=ann, title="missing")
    assert "was not made yet" in text_of(read())
    count()
    embedded, *_, stale_number, orphaned, rest = cells(read(), "note")
    assert (stale_number, orphaned, rest) == ("1", "1", "1 missing")
    assert embedded == "3 of 3 (100&nbsp;%)", f"{refused} is rightly not there"
    assert re.search(r"as of \d+ seconds? ago", text_of(read()))


def test_a_type_that_nobody_registers_any_more_is_shown_as_such(ann: User, read) -> None:
    model = EmbeddingModel.objects.active()
    EmbeddingState.objects.create(entity_type="ship", entity_id="1", model=model, version=1, status="embedded", updated_at=timezone.now())
    count()
    embedded, *_, orphaned, rest = cells(read(), "ship")
    assert (embedded, orphaned, rest) == ("1 of 0", "1", "not registered.")


def test_the_statements_are_as_many_for_fifty_types_as_for_one(ann: User, viewer: Client) -> None:
    Note.objects.create(author=ann, title="a")
    work()
    model = EmbeddingModel.objects.active()
    with CaptureQueriesContext(connection) as few:
        viewer.get(COVERAGE)
    for number in range(50):
        name = f"type-{number}"
        EmbeddingState.objects.create(entity_type=name, entity_id="1", model=model, version=1, status="embedded", updated_at=Now())
        DirtyEntity.objects.create(entity_type=name, entity_id="1", version=1, dirtied_at=Now(), enqueued_at=Now())
    with CaptureQueriesContext(connection) as many:
        page = viewer.get(COVERAGE).content.decode()
    assert cells(page, "type-49")[:2] == ["1 of 0", "1"]
    assert len(many) == len(few) <= 20


def test_rows_that_cannot_be_counted_in_time_are_those_of_the_last_count(ann: User, read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "TIMEOUT_MILLISECONDS", 100)
    Note.objects.create(author=ann, title="a")
    work()
    count()
    with embeddings_disabled():
        Note.objects.create(author=ann, title="b")
    other = connection.copy()
    try:
        other.set_autocommit(False)
        other.cursor().execute("LOCK TABLE testapp_note IN ACCESS EXCLUSIVE MODE")
        assert cells(read(), "note")[0] == "1 of 1 (100&nbsp;%)"
    finally:
        other.close()
    assert cells(read(), "note")[0] == "1 of 2 (50&nbsp;%)"


def test_a_building_model_is_counted_beside_the_active_one(ann: User, read) -> None:
    Note.objects.create(author=ann, title="a")
    work()
    EmbeddingModel.objects.create(provider="fake", name="next", dimensions=256, min_similarity=0)
    assert cells(read(), "note bag-of-words")[0] == "1 of 1 (100&nbsp;%)"
    assert cells(read(), "note next")[0] == "0 of 1 (0&nbsp;%)"


def test_the_page_comes_before_anything_was_embedded_and_makes_no_model(read) -> None:
    EmbeddingModel.objects.all().delete()
    assert cells(read(), "note")[0] == "nothing to embed"
    assert EmbeddingModel.objects.count() == 0


def test_tokens_are_told_by_day(read) -> None:
    stay_in_one(DAY)
    today = timezone.now().date()
    for owner in ("1", "2"):
        EmbeddingUsage.objects.create(day=today, provider="fake", model="m", owner_id=owner, requests=2, tokens=10)
    EmbeddingUsage.objects.create(day=today - timedelta(days=14), provider="fake", model="m", requests=1, tokens=5)
    page = read()
    days = re.findall(r'<th scope="row"><time datetime="([^"]+)">.*?class="number">(\d+)<.*?class="number">(\d+)<', page, re.S)
    assert len(days) == 14
    assert days[-1] == (str(today), "4", "20")
    assert {day[2] for day in days[:-1]} == {"0"}
    drawn = page.split("<svg viewBox")[1].split("</svg>")[0]
    assert "The last 14 days: 20 tokens in 4 requests." in drawn
    assert f">{today.day} {today:%b}</text>" in drawn and ">20</text>" in drawn and '<path class="line"' in drawn


def test_days_without_any_token_say_so(read) -> None:
    assert "Nothing was sent to a provider in this time." in read()


def test_a_provider_in_trouble_shows_why_and_can_be_tried_now(ann: User, operator: Client, provider: FakeProvider) -> None:
    provider.misconfigure()
    Note.objects.create(author=ann, title="waits")
    work()
    model = EmbeddingModel.objects.active()
    words, use, since, next_try, error = cells(operator.get(COVERAGE).content.decode(), str(model))
    assert (use, words) == ("Active", "cut off: the circuit is open")
    assert since != NOTHING and re.match(r"in [\dmins ]+ Try now", next_try)
    assert "(1 failure)" in error
    provider.reset()
    operator.post(f"{COVERAGE}models/{model.pk}/try/", {"database": "default"})
    assert cells(operator.get(COVERAGE).content.decode(), str(model))[0] == "serving"
    assert [entry.change_message for entry in LogEntry.objects.all()] == ["Let the provider be asked at once."]
    assert operator.post(f"{COVERAGE}models/0/try/").status_code == 404
    assert operator.post(f"{COVERAGE}models/{model.pk}/try/", {"database": "nowhere"}).status_code == 404


def test_without_redis_the_numbers_are_there_and_the_provider_is_unknown(ann: User, viewer: Client, settings) -> None:
    Note.objects.create(author=ann, title="a")
    work()
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "embeddings": {**settings.RQ_QUEUES["embeddings"], "URL": "redis://127.0.0.1:1/0"}}
    close_queues()
    start = time.monotonic()
    response = viewer.get(COVERAGE)
    assert time.monotonic() - start < 2
    page = response.content.decode()
    assert response.status_code == 200
    assert cells(page, "note")[0] == "1 of 1 (100&nbsp;%)"
    assert cells(page, str(EmbeddingModel.objects.active()))[0] == "unknown: Redis does not say"
    assert "Redis does not answer, so nobody knows how the providers are" in page


def test_a_count_that_cannot_be_started_says_so(operator: Client, settings) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "embeddings": {**settings.RQ_QUEUES["embeddings"], "URL": "redis://127.0.0.1:1/0"}}
    close_queues()
    response = operator.post(f"{COVERAGE}count/")
    assert response.status_code == 503
    assert "Redis does not answer" in response.content.decode()


def test_a_provider_that_cannot_be_let_in_without_redis_says_so(operator: Client, settings) -> None:
    model = EmbeddingModel.objects.active()
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "embeddings": {**settings.RQ_QUEUES["embeddings"], "URL": "redis://127.0.0.1:1/0"}}
    close_queues()
    assert operator.post(f"{COVERAGE}models/{model.pk}/try/", {"database": "default"}).status_code == 503
    assert not LogEntry.objects.exists()


def test_settings_that_name_no_provider_are_a_state_of_the_page_and_no_crash(viewer: Client, settings) -> None:
    settings.EMBEDDINGS_PROVIDER = "nobody"
    EmbeddingModel.objects.all().delete()
    response = viewer.get(COVERAGE)
    assert response.status_code == 200
    assert "Unknown provider &#x27;nobody&#x27;" in response.content.decode()


def test_ten_clicks_are_one_count(operator: Client) -> None:
    for _ in range(10):
        response = operator.post(f"{COVERAGE}count/", follow=True)
    assert "Everything is counted now, by the job" in text_of(response.content.decode())
    assert work() == 1
    assert LogEntry.objects.count() == 10


def test_what_is_parked_is_listed_with_its_reason_and_taken_up_again(ann: User, operator: Client) -> None:
    first, second, third = [Note.objects.create(author=ann, title=f"note {number}") for number in range(3)]
    for note, reason in ((first, "ValueError: a"), (second, "KeyError: b"), (third, "ValueError: c")):
        park(note, reason)
    page = operator.get(COVERAGE).content.decode()
    assert cells(page, f"note {second.pk}")[1] == "KeyError: b"
    assert f'href="/admin/testapp/note/{second.pk}/change/"' in page
    operator.post(RETRY, {"database": "default", "entity_type": "note", "entity_id": second.pk})
    assert DirtyEntity.objects.parked().count() == 2
    response = operator.post(RETRY, {"database": "default", "entity_type": "", "error": "valueerror"}, follow=True)
    assert "2 parked changes are taken up again." in text_of(response.content.decode())
    assert not DirtyEntity.objects.parked().exists()
    messages = [entry.change_message for entry in LogEntry.objects.order_by("pk")]
    assert messages[0].startswith("Took up again 1 parked: ") and messages[1].endswith("error valueerror.")


@pytest.mark.parametrize("posted", [{}, {"database": "nowhere"}, {"database": "default", "entity_type": "\x00"}])
def test_a_retry_of_rubbish_is_refused_and_retries_nothing(ann: User, operator: Client, posted: dict[str, str]) -> None:
    park(Note.objects.create(author=ann, title="a"))
    response = operator.post(RETRY, posted, follow=True)
    assert response.status_code == 200
    assert DirtyEntity.objects.parked().count() == 1
    assert not LogEntry.objects.exists()


def test_reasons_errors_and_names_from_outside_are_shown_not_run(ann: User, viewer: Client, provider: FakeProvider) -> None:
    provider.misconfigure()
    note = Note.objects.create(author=ann, title="a")
    work()
    park(note, f"{MARKUP} parked")
    DirtyEntity.objects.create(entity_type=f"{MARKUP}type", entity_id=MARKUP, version=1, dirtied_at=Now(), enqueued_at=Now())
    FanOut.objects.create(
        entity_type="note", path=MARKUP, related_id=MARKUP, version=1, dirtied_at=Now(), enqueued_at=Now(), parked_reason=MARKUP
    )
    page = viewer.get(COVERAGE).content.decode()
    assert MARKUP not in page
    assert page.count("&lt;script&gt;") >= 4


def test_the_page_only_reads(ann: User, viewer: Client) -> None:
    Note.objects.create(author=ann, title="a")
    with CaptureQueriesContext(connection) as statements:
        viewer.get(COVERAGE)
    assert not [each for each in statements if each["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert viewer.post(COVERAGE).status_code == 405


def test_the_page_holds_no_inline_script_or_style(viewer: Client) -> None:
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", viewer.get(COVERAGE).content.decode())
