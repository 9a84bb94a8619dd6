"""Whether the settings name a provider that can be made, fit for production, and whether any that is in use is cut off."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register

from embeddings.conf import settings
from embeddings.exceptions import ProviderError
from embeddings.names import EMBEDDINGS
from embeddings.providers import get_provider
from embeddings.providers.gate import read_troubles
from queues.store.connection import new_connection

log = logging.getLogger("embeddings")

REDIS_ANSWER_SECONDS = 0.5


@register("embeddings")
def check_provider(**_: Any) -> list[CheckMessage]:
    try:
        get_provider(settings.provider, model=settings.model, dimensions=settings.dimensions)
    except ProviderError as error:
        return [Error(str(error), hint="See EMBEDDINGS_PROVIDER, EMBEDDINGS_MODEL and EMBEDDINGS_DIMENSIONS.", id="embeddings.E001")]
    return []


@register("embeddings")
def check_local_model(**_: Any) -> list[CheckMessage]:
    if settings.provider not in ("local", "fake") or django_settings.DEBUG:
        return []
    return [
        Warning(
            f"Embeddings come from the provider {settings.provider!r}, which is meant for trying things out.",
            hint="Set EMBEDDINGS_PROVIDER to 'openai', and EMBEDDINGS_OPENAI_API_KEY or EMBEDDINGS_OPENAI_BASE_URL.",
            id="embeddings.W001",
        )
    ]


@register("embeddings")
def check_circuits(**_: Any) -> list[CheckMessage]:
    """Of all providers that workers use; says nothing where Redis does not answer quickly: whether it should is another check's matter."""
    try:
        connection = new_connection(EMBEDDINGS, answer_seconds=REDIS_ANSWER_SECONDS)
        with closing(connection):
            troubles = read_troubles(connection)
    except Exception as error:
        log.debug("Redis does not say which providers are in trouble: %s", error)
        return []
    hint = "Put the key, the quota, the permission or the model right: the circuit probes itself closed."
    return [
        Warning(f"Nothing is embedded by {state.provider} {state.model}: {state}", hint=hint, id="embeddings.W002")
        for state in troubles
        if state.is_open
    ]
