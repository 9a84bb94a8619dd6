"""The log of an earlier test is gone, and with it what its process remembers of it."""

import pytest
from django.contrib.contenttypes.models import ContentType


@pytest.fixture(autouse=True)
def known_content_types() -> None:
    """Django remembers a content type that was made in a transaction, also once that was rolled back."""
    ContentType.objects.clear_cache()
