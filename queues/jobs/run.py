"""The function that a stored job names: a stock RQ worker calls it and so does what ours would do."""

from __future__ import annotations

from typing import Any

from queues.jobs.registry import registry


def run(name: str, /, **payload: Any) -> Any:
    """Runs the registered job `name` once, here. Raises UnknownJob or InvalidPayload before anything runs."""
    return registry.get(name).call(payload)
