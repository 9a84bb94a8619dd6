import time

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings

from embeddings import search
from embeddings.exceptions import ProviderUnavailable, RateLimited
from embeddings.models import Embedding, EmbeddingModel
from embeddings.providers.fake import FakeProvider
from embeddings.testing import fake_provider, run_pending
from tests.testapp.models import Note

OPENAI = {"EMBEDDINGS_PROVIDER": "openai", "EMBEDDINGS_OPENAI_API_KEY": ""}


def make_openai_active() -> EmbeddingModel:
    EmbeddingModel.objects.update(status="retired")
    return EmbeddingModel.objects.create(
        provider="openai", name="text-embedding-3-small", dimensions=1536, min_similarity=0.5, status="active"
    )


def active() -> list[str]:
    return list(EmbeddingModel.objects.filter(status="active").values_list("provider", flat=True))


class Faked:
    @override_settings(**OPENAI)
    def test_it_serves_whatever_the_settings_are(self) -> None:
        ann = User.objects.create_user("ann")
        with fake_provider() as provider:
            Note.objects.create(author=ann, title="heart doctor")
            run_pending()
            assert search(ann, "heart")[0].content == "heart doctor"
            assert provider.texts == ["heart doctor", "heart"]
        assert (active(), Embedding.objects.count()) == ([], 1)

    def test_it_serves_although_another_model_is_active_which_is_so_again_at_the_end(self) -> None:
        make_openai_active()
        with override_settings(**OPENAI):
            for _ in range(2):
                with fake_provider() as provider:
                    assert active() == ["fake"]
                    assert EmbeddingModel.objects.active().get_provider() is provider
                assert active() == ["openai"]

    def test_with_settings_that_name_it_what_it_stored_is_found_afterwards(self) -> None:
        EmbeddingModel.objects.all().delete()
        ann = User.objects.create_user("ann")
        with fake_provider():
            Note.objects.create(author=ann, title="heart doctor")
            run_pending()
        assert len(search(ann, "heart")) == 1

    def test_what_it_was_told_ends_with_the_block(self) -> None:
        with fake_provider() as provider:
            provider.go_down()
            provider.latency_seconds = 60
            with pytest.raises(ProviderUnavailable):
                provider.embed_query("a", deadline_seconds=0.01)
        with fake_provider() as again:
            assert (again.calls, again.embed_query("a") != [], again.calls) == (0, True, 1)

    def test_it_can_be_told_to_be_slow_limited_and_broken(self) -> None:
        with fake_provider() as provider:
            provider.latency_seconds = 0.02
            started = time.monotonic()
            provider.embed_query("a")
            assert time.monotonic() - started >= 0.02
            provider.limit_rate(retry_after=1, times=1)
            with pytest.raises(RateLimited):
                provider.embed_query("a")
            provider.embed_query("a")

    def test_an_error_of_the_block_is_not_replaced_by_one_of_its_end(self) -> None:
        make_openai_active()
        with pytest.raises(DatabaseError, match="nonsense"), transaction.atomic(), fake_provider(), connection.cursor() as cursor:
            cursor.execute("SELECT nonsense")
        assert active() == ["openai"]


class TestInTransactions(Faked, TestCase):
    @fake_provider()
    def test_as_a_decorator(self) -> None:
        assert active() == ["fake"]


class TestWithCommits(Faked, TransactionTestCase):
    def test_tables_that_were_emptied_meanwhile_are_no_trouble(self) -> None:
        make_openai_active()
        with fake_provider():
            EmbeddingModel.objects.all().delete()
        assert active() == []


class TestWithoutDatabase(SimpleTestCase):
    def test_the_provider_alone_can_be_had(self) -> None:
        with fake_provider() as provider:
            assert isinstance(provider, FakeProvider)
