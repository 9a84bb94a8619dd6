from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("ada", password="secret")


@pytest.fixture
def stranger(db):
    return get_user_model().objects.create_user("mallory", password="secret")


@pytest.fixture
def superuser(db):
    return get_user_model().objects.create_superuser("root", password="secret")


@pytest.fixture
def admin_pages(superuser) -> Client:
    client = Client()
    client.force_login(superuser)
    return client
