import pytest

from embeddings.exceptions import ContentTooLong, ProviderMisconfigured
from embeddings.providers import get_provider
from embeddings.providers.openai import OpenAIProvider
from embeddings.testing.openai_server import OpenAIServer
from tests.embeddings.providers.test_openai_errors import as_openai


def provider(server: OpenAIServer, **options) -> OpenAIProvider:
    return OpenAIProvider(api_key=server.api_key, base_url=server.base_url, **options)


def test_vectors_are_matched_by_index_not_by_place(server, openai_provider):
    in_order = openai_provider.embed_documents(["one", "two", "three"])
    server.fault = "order"
    assert openai_provider.embed_documents(["one", "two", "three"]) == in_order


def test_another_server_is_asked_for_plain_numbers(server, openai_provider):
    openai_provider.embed_documents(["text"])
    assert server.requests == [{"model": "text-embedding-3-small", "input": ["text"], "encoding_format": "float"}]


def test_openai_itself_is_asked_for_base64(server, openai_provider, monkeypatch):
    plain = openai_provider.embed_documents(["text"]).vectors[0]
    packed = as_openai(server, monkeypatch).embed_documents(["text"]).vectors[0]
    assert server.requests[-1]["encoding_format"] == "base64"
    assert packed == pytest.approx(plain, abs=1e-6)


def test_openai_itself_takes_2048_texts_a_request(server, monkeypatch):
    openai = as_openai(server, monkeypatch)
    assert len(openai.embed_documents(["text"] * 2048).vectors) == 2048


def test_the_tokens_are_those_that_the_server_counted(server, openai_provider):
    assert openai_provider.embed_documents(["twelve chars", "more"]).tokens == 6


def test_fewer_dimensions_are_asked_for_where_the_model_allows_it(server):
    assert len(provider(server, dimensions=512).embed_query("text")) == 512
    assert server.requests[-1]["dimensions"] == 512


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [("text-embedding-3-small", 1536), ("text-embedding-3-large", 3072), ("text-embedding-ada-002", 1536)],
)
def test_known_models_need_no_dimensions(server, model, dimensions):
    known = provider(server, model=model)
    assert len(known.embed_query("text")) == known.dimensions == dimensions
    assert "dimensions" not in server.requests[-1]


def test_an_unknown_model_works_once_its_dimensions_are_given(server):
    assert len(provider(server, model="stub-model", dimensions=64).embed_query("text")) == 64
    assert "dimensions" not in server.requests[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"api_key": " "}, "API_KEY"),
        ({"api_key": "k", "base_url": "localhost:80"}, "http://"),
        ({"api_key": "k", "model": "other", "base_url": "http://localhost/v1"}, "set EMBEDDINGS_DIMENSIONS"),
        ({"api_key": "k", "dimensions": 2000}, "at most 1536"),
        ({"api_key": "k", "dimensions": -1}, "must be positive"),
        ({"api_key": "k", "model": "text-embedding-ada-002", "dimensions": 512}, "1536 and no other"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(options, message):
    with pytest.raises(ProviderMisconfigured, match=message):
        OpenAIProvider(**options)


def test_a_model_that_reads_less_says_so_and_is_sent_no_more(server, settings):
    settings.EMBEDDINGS_OPENAI_API_KEY, settings.EMBEDDINGS_OPENAI_BASE_URL = server.api_key, server.base_url
    assert get_provider("openai").max_input_tokens == 8192
    settings.EMBEDDINGS_OPENAI_MAX_INPUT_TOKENS = 512
    small = get_provider("openai")
    assert small.max_input_tokens == 512
    with pytest.raises(ContentTooLong, match="at most 512"):
        small.embed_documents(["word " * 512])
    assert server.requests == []


def test_a_server_without_keys_needs_none():
    assert OpenAIProvider(api_key="", base_url="http://localhost/v1").max_inputs == 32
