import time

import pytest

from embeddings.exceptions import InvalidInput, ProviderFault, ProviderMisconfigured, ProviderUnavailable, RateLimited
from embeddings.providers.fake import FakeProvider


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider()


def test_it_remembers_what_it_was_asked(fake):
    fake.embed_documents(["one", "two"])
    fake.embed_query("three")
    assert (fake.calls, fake.requests, fake.texts) == (2, [["one", "two"], ["three"]], ["one", "two", "three"])


def test_it_limits_the_rate_as_often_as_told(fake):
    fake.limit_rate(retry_after=7, times=1)
    with pytest.raises(RateLimited) as caught:
        fake.embed_query("text")
    assert caught.value.retry_after == 7
    assert fake.embed_query("text")


@pytest.mark.parametrize(("instruct", "error"), [("go_down", ProviderUnavailable), ("misconfigure", ProviderMisconfigured)])
def test_it_fails_until_it_is_reset(fake, instruct, error):
    getattr(fake, instruct)()
    for _ in range(3):
        with pytest.raises(error):
            fake.embed_query("text")
    fake.reset()
    assert fake.embed_query("text")
    assert fake.calls == 1


@pytest.mark.parametrize("garbage", ["count", "dimension", "nan", "zero"])
def test_its_garbage_is_recognized(fake, garbage):
    fake.garbage = garbage
    with pytest.raises(ProviderFault):
        fake.embed_documents(["one", "two"])


def test_it_refuses_the_whole_call_for_one_text(fake):
    fake.refuse("poison")
    with pytest.raises(InvalidInput) as caught:
        fake.embed_documents(["good", "some poison", "fine"])
    assert caught.value.index is None
    assert len(fake.embed_documents(["good", "fine"]).vectors) == 2


def test_something_can_happen_during_the_call(fake):
    seen = []
    fake.during_call = seen.append
    fake.embed_documents(["text"])
    assert seen == [["text"]]


def test_it_is_slow_but_not_beyond_the_deadline(fake):
    fake.latency_seconds = 0.1
    started = time.monotonic()
    fake.embed_query("text")
    assert time.monotonic() - started >= 0.1
    fake.latency_seconds = 60
    with pytest.raises(ProviderUnavailable):
        fake.embed_query("text", deadline_seconds=0.1)
    assert time.monotonic() - started < 2
