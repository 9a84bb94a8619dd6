"""A provider that limits, then fails, then talks nonsense, then is well: its bad day costs time, and nothing else."""

from __future__ import annotations

import time

from django.contrib.auth.models import User

from embeddings.models import Embedding
from embeddings.testing.openai_server import CannedAnswer, Fault, OpenAIServer
from tests.chaos.installation import Installation, assert_nothing_was_charged
from tests.chaos.truth import assert_index_is_right
from tests.processes import wait_until
from tests.testapp.models import Note

LIMITED_SECONDS = 6
FAULTS: tuple[Fault, ...] = ("count", "nan", "html")


def test_a_provider_that_limits_fails_and_talks_nonsense_before_it_is_well(
    home: Installation, ann: User, provider: OpenAIServer, provider_environment: dict[str, str]
) -> None:
    home.start_workers(2, **provider_environment)
    limited = CannedAnswer(status=429, headers={"Retry-After": "2"}, code="rate_limit_exceeded")
    for provider.trouble, seconds in ((limited, LIMITED_SECONDS), (CannedAnswer(status=500), 2)):
        save_some(ann)
        wait_for_trouble(provider, seconds)
    provider.trouble = None
    for provider.fault in FAULTS:
        save_some(ann)
        wait_for_trouble(provider, 1)
    assert not Embedding.objects.exists(), "nonsense was stored"
    provider.fault = None
    home.wait_until_served(timeout_seconds=90)
    assert_index_is_right()
    assert Embedding.objects.count() == Note.objects.count() == 10 * (2 + len(FAULTS))
    assert_nothing_was_charged()


def save_some(owner: User) -> None:
    for number in range(10):
        Note.objects.create(author=owner, title=f"note {number}")


def wait_for_trouble(provider: OpenAIServer, seconds: float) -> None:
    """Comes back when it was met, and has lasted."""
    started, asked = time.monotonic(), len(provider.requests)
    wait_until(lambda: len(provider.requests) > asked and time.monotonic() > started + seconds)
