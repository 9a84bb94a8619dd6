"""The provider in trouble, from the save to the vector: nothing is charged, nothing is lost, people are told."""

import json
import os
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, override_settings

from embeddings import checks
from embeddings.models import DirtyEntity, EmbeddingModel
from embeddings.providers.fake import FakeProvider
from embeddings.providers.gate import Gate, keys_of
from embeddings.testing.openai_server import CannedAnswer, OpenAIServer
from queues import add_job, get_queue, get_queue_stats
from tests.embeddings.conftest import stored, work
from tests.embeddings.failing import promote_all, work_to_the_end
from tests.processes import StartWorker, server_urls, wait_until, worker_processes
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        options = {"EMBEDDINGS_OPENAI_API_KEY": server.api_key, "EMBEDDINGS_OPENAI_BASE_URL": server.base_url}
        with override_settings(**options):
            yield server


@pytest.fixture
def model(server: OpenAIServer) -> EmbeddingModel:
    """The active one, of the loopback server, impatient between its attempts."""
    model = EmbeddingModel.objects.create(provider="openai", name="stub-model", dimensions=64, min_similarity=0.2, status="active")
    model.get_provider().backoff_seconds = 0.01
    return model


@pytest.fixture
def start_worker(server: OpenAIServer) -> Iterator[StartWorker]:
    environment = {
        **server_urls(),
        "OPENAI_API_KEY": server.api_key,
        "OPENAI_BASE_URL": server.base_url,
        "QUEUES_POLL_SECONDS": "1",
    }
    with worker_processes(environment, Path(os.devnull)) as start:
        yield start


def elapse(model: EmbeddingModel) -> None:
    """What the end of the provider's pause would do."""
    get_queue("embeddings").connection.delete(keys_of(Gate(model.get_provider()).id)[0])


def notes(ann: User, count: int) -> None:
    for number in range(count):
        Note.objects.create(author=ann, title=f"note {number}")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": 429, "headers": {"Retry-After": "30"}}, "rate_limit"),
        ({"status": 429, "code": "insufficient_quota"}, "circuit"),
        ({"status": 401}, "circuit"),
        ({"status": 403}, "circuit"),
        ({"status": 404, "code": "model_not_found"}, "circuit"),
        ({"status": 408}, "outage"),
        ({"status": 409}, "outage"),
        ({"status": 500}, "outage"),
        ({"status": 503, "headers": {"Retry-After": "30"}}, "outage"),
    ],
)
def test_the_providers_trouble_puts_jobs_back_for_as_long_as_the_gate_says(
    ann: User, server: OpenAIServer, model: EmbeddingModel, answer: dict[str, object], kind: str
) -> None:
    notes(ann, 3)
    server.trouble = CannedAnswer(**answer)  # type: ignore[arg-type]
    work()
    state = model.provider_state
    assert state.kind == kind
    asked = len(server.requests)
    for _ in range(3):
        promote_all()
        work()
    assert len(server.requests) == asked, "nobody asks during the pause"
    jobs = get_queue("embeddings").jobs("delayed")
    assert [job.attempts_made for job in jobs] == [0, 0, 0]
    assert "30" not in str(answer) or 25 < state.retry_in_seconds <= 30
    server.trouble = None
    elapse(model)
    promote_all()
    work()
    assert (len(stored()), DirtyEntity.objects.count(), model.provider_state.kind) == (3, 0, None)


@pytest.mark.parametrize("fault", ["count", "dimension", "nan", "zero", "empty", "html", "shape"])
def test_garbage_is_never_stored_and_never_charged(ann: User, server: OpenAIServer, model: EmbeddingModel, fault: str) -> None:
    notes(ann, 3)
    server.fault = fault  # type: ignore[assignment]
    work()
    assert (stored(), model.provider_state.kind) == (set(), "outage")
    assert [job.attempts_made for job in get_queue("embeddings").jobs("delayed")] == [0, 0, 0]
    server.fault = None
    elapse(model)
    promote_all()
    work()
    assert len(stored()) == 3


def test_a_server_that_mixes_up_several_texts_is_asked_for_each(ann: User, server: OpenAIServer, model: EmbeddingModel) -> None:
    server.fault = "index"
    notes(ann, 3)
    work()
    assert (len(stored()), model.provider_state.kind) == (3, None)


def test_a_text_that_breaks_the_server_is_charged_alone(ann: User, server: OpenAIServer, model: EmbeddingModel) -> None:
    server.breaking.append("poison")
    notes(ann, 20)
    Note.objects.create(author=ann, title="poison")
    work()
    assert len(stored()) == 20
    (job,) = get_queue("embeddings").jobs("delayed")
    assert job.attempts_made == 1
    work_to_the_end()
    (dead,) = get_queue("embeddings").jobs("failed")
    assert (dead.attempts_made, model.provider_state.kind) == (3, None)
    assert len(stored()) == 20
    assert DirtyEntity.objects.get().parked_reason.startswith("ProviderUnavailable")


def test_a_refused_text_is_cut_and_tried_once_more_then_it_has_failed(ann: User, server: OpenAIServer, model: EmbeddingModel) -> None:
    server.refused.append("poison")
    notes(ann, 20)
    Note.objects.create(author=ann, title="poison", body="word " * 3000)
    work()
    assert len(stored()) == 20
    (dead,) = get_queue("embeddings").jobs("failed")
    assert (dead.attempts_made, model.provider_state.kind) == (1, None)
    alone = [request["input"][0] for request in server.requests if len(request["input"]) == 1 and "poison" in request["input"][0]]
    assert len(alone) == 2 and len(alone[0]) > model.get_provider().max_input_tokens >= len(alone[1])
    assert DirtyEntity.objects.get().parked_reason.startswith("InvalidInput")


def test_429_then_500_then_garbage_then_fine_with_two_worker_processes(
    ann: User, server: OpenAIServer, model: EmbeddingModel, start_worker: StartWorker
) -> None:
    def next_stage(change: Callable[[], object]) -> None:
        asked = len(server.requests)
        change()
        wait_until(lambda: len(server.requests) > asked + 1)

    server.trouble = CannedAnswer(status=429, headers={"retry-after-ms": "300"})
    notes(ann, 150)
    start_worker("embeddings")
    start_worker("embeddings")
    next_stage(lambda: None)
    next_stage(lambda: setattr(server, "trouble", CannedAnswer(status=500)))
    server.fault = "nan"
    next_stage(lambda: setattr(server, "trouble", None))
    assert stored() == set()
    queue = get_queue("embeddings")
    unserved = [job for state in ("waiting", "active", "delayed") for job in queue.jobs(state)]
    assert {job.attempts_made for job in unserved} == {0}
    server.fault = None
    wait_until(lambda: len(stored()) == 150)
    wait_until(lambda: get_queue_stats("embeddings").completed >= 100)
    assert get_queue_stats("embeddings").failed == 0
    wait_until(lambda: DirtyEntity.objects.count() == 0)


def test_a_pause_met_by_one_worker_process_holds_for_the_other(
    ann: User, server: OpenAIServer, model: EmbeddingModel, start_worker: StartWorker
) -> None:
    server.trouble = CannedAnswer(status=429, headers={"Retry-After": "3600"})
    start_worker("embeddings")
    start_worker("embeddings")
    notes(ann, 1)
    wait_until(lambda: model.provider_state.kind == "rate_limit")
    asked = len(server.requests)
    notes(ann, 60)
    wait_until(lambda: get_queue_stats("embeddings").delayed >= 61)
    assert len(server.requests) == asked


def check() -> list[str]:
    return [str(message.msg) for message in checks.check_circuits()]


def test_an_open_circuit_is_shown_by_check_status_and_admin_and_closes_by_itself(
    ann: User, server: OpenAIServer, model: EmbeddingModel, client: Client
) -> None:
    notes(ann, 1)
    server.trouble = CannedAnswer(status=429, code="insufficient_quota", message="You exceeded your current quota.")
    assert check() == []
    work()
    (warning,) = check()
    assert "openai stub-model" in warning and "exceeded your current quota" in warning
    call_command("check", fail_level="ERROR", stderr=(err := StringIO()))
    assert "embeddings.W002" in err.getvalue()
    call_command("embeddings_status", stdout=(out := StringIO()))
    assert "open circuit" in out.getvalue()
    call_command("embeddings_status", "--json", stdout=(out := StringIO()))
    assert json.loads(out.getvalue())["models"][0]["provider_state"]["kind"] == "circuit"
    client.force_login(User.objects.create_superuser("root"))
    assert "open circuit" in client.get("/admin/embeddings/embeddingmodel/").content.decode()

    asked = len(server.requests)
    add_job("embeddings", "sweep-embeddings", {})
    work()
    assert len(server.requests) == asked, "the wait is not over"
    elapse(model)
    add_job("embeddings", "sweep-embeddings", {})
    work()
    assert server.requests[asked]["input"] == ["probe"]
    assert model.provider_state.failures == 2
    server.trouble = None
    elapse(model)
    add_job("embeddings", "sweep-embeddings", {})
    work()
    assert (check(), str(model.provider_state)) == ([], "serving")
    assert "serving" in client.get("/admin/embeddings/embeddingmodel/").content.decode()


def test_a_pause_is_no_matter_for_check(ann: User, server: OpenAIServer, model: EmbeddingModel) -> None:
    notes(ann, 1)
    server.trouble = CannedAnswer(status=500)
    work()
    assert model.provider_state.is_in_trouble and check() == []


@pytest.mark.parametrize(
    "queues", [{}, {"embeddings": {}}, {"embeddings": {"URL": "redis://127.0.0.1:9/0"}}, {"embeddings": {"URL": "no url"}}]
)
def test_check_says_nothing_of_circuits_without_redis(queues: dict[str, object]) -> None:
    with override_settings(RQ_QUEUES=queues):
        assert check() == []


def test_a_model_whose_provider_cannot_be_made_is_shown_as_an_open_circuit_and_charges_nothing(ann: User, model: EmbeddingModel) -> None:
    notes(ann, 1)
    with override_settings(EMBEDDINGS_OPENAI_API_KEY="", EMBEDDINGS_OPENAI_BASE_URL=""):
        work()
        assert model.provider_state.is_open and "API_KEY" in str(model.provider_state)
        add_job("embeddings", "sweep-embeddings", {})
        work()
    (job,) = get_queue("embeddings").jobs("delayed")
    assert job.attempts_made == 0
    promote_all()
    work()
    assert len(stored()) == 1


def test_what_needs_no_provider_goes_on_while_it_is_paused(ann: User, provider: FakeProvider) -> None:
    doomed, kept = (Note.objects.create(author=ann, title=title) for title in ("doomed", "kept"))
    work()
    provider.misconfigure()
    Note.objects.create(author=ann, title="new")
    work()
    doomed.delete()
    kept.save()
    work()
    assert stored() == {("note", str(kept.pk), "kept")}
    assert list(DirtyEntity.objects.values_list("entity_type", flat=True)) == ["note"]


def test_an_entity_of_which_only_some_chunks_were_answered_is_not_stored_in_part(
    ann: User, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "max_inputs", 1)
    monkeypatch.setattr(provider, "max_input_tokens", 12)
    provider.during_call = lambda texts: provider.limit_rate() if provider.calls == 2 else None
    Note.objects.create(author=ann, title="One sentence of some length. And another that is as long. A third one too.")
    work()
    assert (stored(), provider.calls > 1) == (set(), True)
    (job,) = get_queue("embeddings").jobs("delayed")
    assert job.attempts_made == 0 and "limits the rate" in job.error
    provider.reset()
    promote_all()
    work()
    assert len(stored()) == len(provider.texts) > 1
