"""The search page, on real rows embedded by real jobs."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from embeddings.providers import get_provider
from queues.testing import run_jobs
from theo.context.models import Person, Place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_queue")]


@pytest.fixture
def user():
    return get_user_model().objects.create_user("ada", password="secret")


@pytest.fixture
def browser(user):
    client = Client()
    client.force_login(user)
    return client


def test_whoever_is_not_logged_in_is_asked_to(client):
    page = client.get("/", {"q": "heart"}, follow=True)
    assert page.redirect_chain[0][0] == "/login/?next=/%3Fq%3Dheart"
    assert "Password" in page.content.decode()


def test_logging_in_leads_to_the_search_and_logging_out_away_from_it(client, user):
    page = client.post(reverse("web:login"), {"username": "ada", "password": "secret"}, follow=True)
    assert "What are you looking for?" in page.content.decode()
    assert client.post(reverse("web:logout"), follow=True).redirect_chain[-1][0] == "/login/"


def test_the_page_without_a_query_has_no_results(browser):
    assert browser.get("/").context["hits"] == []


def test_what_one_knows_is_found_with_its_similarity(browser, user):
    Person.objects.create(user=user, name="Eva Nagy", title="cardiologist")
    run_jobs("embeddings")
    page = browser.get("/", {"q": "cardiologist"})
    (hit,) = page.context["hits"]
    assert (hit.title, hit.kind) == ("Eva Nagy", "person")
    assert f"{hit.similarity:.2f}" in page.content.decode()


def test_nobody_finds_what_others_know(client, user):
    Person.objects.create(user=get_user_model().objects.create_user("grace"), name="Eva Nagy", title="cardiologist")
    run_jobs("embeddings")
    client.force_login(user)
    page = client.get("/", {"q": "cardiologist"})
    assert page.context["hits"] == []
    assert "Nothing that you know" in page.content.decode()


def test_what_was_saved_a_moment_ago_is_said_to_be_on_its_way_to_its_owner_alone(browser, user, client):
    Person.objects.create(user=user, name="Eva Nagy", title="cardiologist")
    assert "1 of your entries cannot be found yet" in browser.get("/", {"q": "cardiologist"}).content.decode()
    assert "cannot be found yet" not in browser.get("/", {"q": "cardiologist", "type": "place"}).content.decode()
    client.force_login(get_user_model().objects.create_user("grace"))
    assert "cannot be found yet" not in client.get("/", {"q": "cardiologist"}).content.decode()
    run_jobs("embeddings")
    assert "cannot be found yet" not in browser.get("/", {"q": "zebra"}).content.decode()


def test_a_search_can_be_limited_to_a_type(browser, user):
    Person.objects.create(user=user, name="Paris Hilton")
    Place.objects.create(user=user, name="Paris")
    run_jobs("embeddings")
    assert [hit.kind for hit in browser.get("/", {"q": "Paris", "type": "place"}).context["hits"]] == ["place"]
    assert len(browser.get("/", {"q": "Paris"}).context["hits"]) == 2


def test_rows_and_queries_are_escaped(browser, user):
    Person.objects.create(user=user, name="<script>alert(1)</script> Eva", title="cardiologist")
    run_jobs("embeddings")
    page = browser.get("/", {"q": "cardiologist <script>alert(2)</script>"}).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page


def test_only_staff_get_links_into_the_admin(browser, user):
    person = Person.objects.create(user=user, name="Eva Nagy")
    run_jobs("embeddings")
    url = reverse("admin:context_person_change", args=[person.pk])
    assert url not in browser.get("/", {"q": "Eva Nagy"}).content.decode()
    get_user_model().objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    assert url in browser.get("/", {"q": "Eva Nagy"}).content.decode()


def test_a_provider_that_is_down_is_a_message_and_not_a_crash(browser, user, caplog):
    provider = get_provider("fake")
    provider.go_down()
    try:
        page = browser.get("/", {"q": "cardiologist"})
    finally:
        provider.reset()
    assert page.status_code == 503
    assert "does not answer at the moment" in page.content.decode()


@pytest.mark.parametrize("query", [{"q": "x" * 301}, {"q": "x", "type": "planet"}, {"q": "\0"}])
def test_a_query_that_is_none_is_explained(browser, query):
    page = browser.get("/", query)
    assert page.status_code == 200
    assert page.context["form"].errors


def test_the_page_is_only_read(browser):
    assert browser.post("/", {"q": "x"}).status_code == 405
