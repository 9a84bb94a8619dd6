"""What `manage.py check` finds in the settings."""

from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.test import override_settings

IDS = ("embeddings.W003", "embeddings.E007", "embeddings.E008")


def found() -> list[CheckMessage]:
    return [message for message in run_checks(tags=["embeddings"]) if message.id in IDS]


def test_the_test_projects_settings_are_right() -> None:
    assert found() == []


@override_settings(EMBEDDINGS_REQEUSTS_IN_FLIGHT=3)
def test_a_misspelled_setting_is_found_with_the_one_that_was_meant() -> None:
    (message,) = found()
    assert (message.id, message.msg) == ("embeddings.W003", "There is no setting EMBEDDINGS_REQEUSTS_IN_FLIGHT.")
    assert message.hint == "Did you mean EMBEDDINGS_REQUESTS_IN_FLIGHT?"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASES", "default", "must be a tuple of aliases, not 'default'."),
        ("DATABASES", (), "must be a tuple of aliases, not ()."),
        ("SIGNALS", "no", "must be True or False, not 'no'."),
        ("PROVIDER", None, "must be a string, not None."),
        ("DIMENSIONS", "256", "must be a whole number of at least 0, not '256'."),
        ("SWEEP_AGE_SECONDS", -1, "must be a number of at least 0, not -1."),
        ("REQUESTS_IN_FLIGHT", 0, "must be a whole number of at least 1, not 0."),
        ("REQUESTS_IN_FLIGHT", True, "must be a whole number of at least 1, not True."),
    ],
)
def test_a_value_of_a_wrong_kind_is_found(name: str, value: Any, sentence: str) -> None:
    with override_settings(**{f"EMBEDDINGS_{name}": value}):
        (message,) = found()
    assert (message.id, message.msg) == ("embeddings.E007", f"EMBEDDINGS_{name} {sentence}")


@override_settings(EMBEDDINGS_OPENAI_API_KEY=["sk-secret"])
def test_a_key_of_a_wrong_kind_is_not_shown() -> None:
    (message,) = found()
    assert message.msg == "EMBEDDINGS_OPENAI_API_KEY must be a string."


@override_settings(EMBEDDINGS_DATABASES=("default", "nowhere"))
def test_an_alias_that_databases_lacks_is_found() -> None:
    (message,) = found()
    assert message.id == "embeddings.E008" and "names 'nowhere', which is not in DATABASES" in message.msg
