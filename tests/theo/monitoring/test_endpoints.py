"""Theo's site has the endpoints where its operators expect them."""

import pytest
from django.core.checks import run_checks
from django.test import Client

from theo import settings as theo_settings

pytestmark = pytest.mark.django_db


def test_they_are_where_balancers_and_prometheus_look(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json()["status"] == "ready"
    assert client.get("/metrics").status_code == client.get("/api/admin/queues").status_code == 401


@pytest.fixture
def in_production(settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = theo_settings.SECURE_REDIRECT_EXEMPT


@pytest.mark.usefixtures("in_production")
def test_balancers_may_ask_for_health_over_plain_http_and_nobody_for_anything_else() -> None:
    client = Client()
    assert [client.get(url).status_code for url in ("/health/live", "/health/ready")] == [200, 200]
    for url in ("/metrics", "/api/admin/queues", "/", "/admin/", "/health/live/more", "/x/health/live"):
        assert client.get(url)["Location"] == f"https://testserver{url}"


@pytest.mark.usefixtures("in_production")
def test_the_deployment_check_has_nothing_against_it() -> None:
    assert [message for message in run_checks(include_deployment_checks=True) if "REDIRECT" in str(message)] == []
