"""The table of errors: what the server says, what we raise, and whether another try may help."""

import time
import traceback
from email.utils import formatdate

import pytest

from embeddings.exceptions import (
    ContentTooLong,
    InvalidInput,
    ProviderError,
    ProviderFault,
    ProviderMisconfigured,
    ProviderUnavailable,
    RateLimited,
)
from embeddings.providers.openai import OpenAIProvider
from embeddings.providers.openai_errors import read_retry_after


def embed(provider, *texts, **options):
    return provider.embed_documents(texts or ["text"], **options)


def failure(provider, *texts, **options) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        embed(provider, *texts, **options)
    assert caught.value.__cause__ is not None or isinstance(caught.value, ProviderFault)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "expected", "kind"),
    [
        ({"status": 429, "code": "insufficient_quota"}, ProviderMisconfigured, "rate_limit"),
        ({"status": 429, "error_type": "insufficient_quota"}, ProviderMisconfigured, "rate_limit"),
        ({"status": 401, "code": "invalid_api_key"}, ProviderMisconfigured, "api_error"),
        ({"status": 403}, ProviderMisconfigured, "api_error"),
        ({"status": 404, "code": "model_not_found"}, ProviderMisconfigured, "api_error"),
        ({"status": 400, "code": "model_not_found"}, ProviderMisconfigured, "api_error"),
        ({"status": 400, "param": "dimensions"}, ProviderMisconfigured, "api_error"),
        ({"status": 400}, InvalidInput, "invalid_input"),
        ({"status": 422}, InvalidInput, "invalid_input"),
        ({"status": 413}, ContentTooLong, "content_too_long"),
        ({"status": 400, "message": "This model's maximum context length is 8192 tokens"}, ContentTooLong, "content_too_long"),
        ({"status": 400, "code": "max_tokens_per_request"}, ContentTooLong, "content_too_long"),
    ],
)
def test_what_no_retry_can_help_is_raised_at_once(server, openai_provider, answer, expected, kind):
    server.answer(**answer)
    error = failure(openai_provider)
    assert (type(error), error.kind, error.retryable) == (expected, kind, False)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 529])
def test_what_may_pass_is_tried_again(server, openai_provider, status):
    server.answer(status=status, times=2)
    assert len(embed(openai_provider).vectors) == 1
    assert len(server.requests) == 3


def test_the_fourth_failure_is_the_last(server, openai_provider):
    server.answer(status=500, times=10)
    error = failure(openai_provider)
    assert (type(error), error.kind, error.retryable) == (ProviderUnavailable, "api_error", True)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "answer", [{"status": 429}, {"status": 429, "headers": {"Retry-After": "0"}}, {"status": 503, "headers": {"Retry-After": "1"}}]
)
def test_what_concerns_all_workers_is_not_waited_for_by_one(server, openai_provider, answer):
    server.answer(**answer)
    assert failure(openai_provider).retryable
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [{"status": 429}, {"status": 503, "headers": {"Retry-After": "0"}}, {"status": 500}])
def test_a_query_waits_since_a_person_does(server, openai_provider, answer):
    server.answer(times=2, **answer)
    assert len(openai_provider.embed_query("text")) == openai_provider.dimensions
    assert len(server.requests) == 3


def test_a_short_retry_after_is_waited_for(server, openai_provider):
    server.answer(status=429, headers={"retry-after-ms": "300"})
    started = time.monotonic()
    openai_provider.embed_query("text")
    assert 0.3 <= time.monotonic() - started < 2


def test_a_query_that_would_wait_too_long_fails_at_once(server, openai_provider):
    server.answer(status=429, headers={"Retry-After": "30"}, times=2)
    with pytest.raises(RateLimited):
        openai_provider.embed_query("text")
    assert len(server.requests) == 1


def test_a_retry_after_beyond_the_deadline_is_handed_on_at_once(server, openai_provider):
    server.answer(status=429, headers={"Retry-After": "30"}, times=2)
    started = time.monotonic()
    error = failure(openai_provider, deadline_seconds=5)
    assert (type(error), error.kind, error.retryable, error.retry_after) == (RateLimited, "rate_limit", True, 30)
    assert time.monotonic() - started < 1
    assert len(server.requests) == 1


def test_a_server_that_does_not_answer_costs_no_more_than_the_deadline(server, openai_provider):
    server.answer(delay_seconds=3)
    started = time.monotonic()
    error = failure(openai_provider, deadline_seconds=0.5)
    assert (type(error), error.kind, error.retryable) == (ProviderUnavailable, "network_error", True)
    assert time.monotonic() - started < 1.5


def test_a_server_that_is_gone_is_unavailable():
    provider = OpenAIProvider(api_key="k", base_url="http://127.0.0.1:9/v1", model="m", dimensions=3, backoff_seconds=0.01)
    error = failure(provider)
    assert (type(error), error.kind, error.retryable) == (ProviderUnavailable, "network_error", True)


@pytest.mark.parametrize("fault", ["count", "index", "dimension", "nan", "zero", "empty", "html", "shape"])
@pytest.mark.parametrize("is_base64", [False, True])
def test_an_answer_that_is_no_vectors_is_a_fault_and_not_paid_for_twice(server, openai_provider, monkeypatch, fault, is_base64):
    server.fault = fault
    provider = as_openai(server, monkeypatch) if is_base64 else openai_provider
    error = failure(provider, "one", "two")
    assert (type(error), error.kind, error.retryable) == (ProviderFault, "api_error", True)
    assert len(server.requests) == 1


def test_one_refused_text_refuses_the_whole_request(server, openai_provider):
    server.refused.append("poison")
    assert isinstance(failure(openai_provider, "good", "poison", "fine"), InvalidInput)
    assert len(embed(openai_provider, "good", "fine").vectors) == 2


def test_the_key_is_in_no_message(server):
    provider = OpenAIProvider(api_key="sk-very-secret", base_url=server.base_url)
    assert "very-secret" not in str(failure(provider))
    server.answer(status=401, message="Incorrect API key provided: sk-very-secret. You can find it elsewhere.")
    with pytest.raises(ProviderError, match=r"Incorrect API key provided: \[the key\]\. You can find it elsewhere\.") as caught:
        embed(provider)
    assert "very-secret" not in "".join(traceback.format_exception(caught.value)), "what is kept of a dead job"


def as_openai(server, monkeypatch) -> OpenAIProvider:
    """The provider as it talks to OpenAI itself, with the stub in its place."""
    monkeypatch.setattr("embeddings.providers.openai.OPENAI_URL", server.base_url)
    return OpenAIProvider(api_key=server.api_key, backoff_seconds=0.01)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
    ],
)
def test_retry_after_is_read_in_each_of_its_forms(headers, seconds):
    assert read_retry_after(headers) == seconds


def test_retry_after_may_be_a_date():
    assert 55 < read_retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60
    assert read_retry_after({"retry-after": formatdate(time.time() - 60, usegmt=True)}) == 0
