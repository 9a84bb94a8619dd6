"""The databases that a test may use."""

from __future__ import annotations

from django.db import connections
from django.test.testcases import DatabaseOperationForbidden  # type: ignore[attr-defined]  # the stubs lack it

from embeddings.conf import settings


def allowed_databases() -> list[str]:
    """Those of EMBEDDINGS_DATABASES without the ones that the test's `databases` leaves out."""
    return [alias for alias in settings.databases if _is_allowed(alias)]


def _is_allowed(alias: str) -> bool:
    try:
        with connections[alias].cursor():
            return True
    except DatabaseOperationForbidden:
        return False
