"""What the app needs to start."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings


def test_without_queues_among_the_apps_nothing_starts_and_one_sentence_says_so() -> None:
    apps = ["django.contrib.auth", "django.contrib.contenttypes", "embeddings"]
    with pytest.raises(ImproperlyConfigured, match="'embeddings' needs 'queues' in INSTALLED_APPS"), override_settings(INSTALLED_APPS=apps):
        pass
