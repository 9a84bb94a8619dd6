"""Providers in trouble that nobody asks: the minute's job does, so that a circuit closes when nothing else comes."""

from __future__ import annotations

import logging

from embeddings.exceptions import ProviderError
from embeddings.models import EmbeddingModel
from embeddings.providers.probe import probe
from embeddings.usage import PaidRequest, record_usage

log = logging.getLogger("embeddings")


def probe_providers(*, using: str = "default") -> int:
    """Asks the providers of the models in use that are in trouble and whose pause is over. Returns how many serve again."""
    served = 0
    for model in EmbeddingModel.objects.using(using).exclude(status=EmbeddingModel.Status.RETIRED):
        try:
            provider = model.get_provider()
            answer = probe(provider)
        except ProviderError as error:
            log.info("%s does not serve yet: %s", model, error)
            continue
        if answer is not None:
            served += 1
            record_usage([PaidRequest(tokens=answer.tokens)], [], provider, using=using)
    return served
