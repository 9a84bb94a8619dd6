"""Who reads the endpoints, and how the others are told."""

import logging

import pytest
from django.test import Client
from django.utils import crypto

from queues.api import tokens
from queues.api.tokens import find_name, hash_of, new_token
from tests.queues.accounts import make_user
from tests.testapp.jobs import QUEUE

URLS = ["/api/admin/queues", f"/api/admin/queues/{QUEUE}", f"/api/admin/queues/{QUEUE}/jobs", "/metrics"]
READ = ["/api/admin/queues", f"/api/admin/queues/{QUEUE}", f"/api/admin/queues/{QUEUE}/jobs"]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.django_db
def test_everywhere_staff_with_the_right_reads_and_nobody_else(url: str) -> None:
    nobody, anybody, viewer = Client(), Client(), Client()
    anybody.force_login(make_user())
    viewer.force_login(make_user("view_queue"))
    assert [each.get(url).status_code for each in (nobody, anybody, viewer)] == [401, 403, 200]
    assert all("error" in each.get(url).json() for each in (nobody, anybody))
    assert all("no-store" in each.get(url)["Cache-Control"] for each in (nobody, anybody, viewer))


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_a_token_reads_and_nothing_else(program: Client, url: str, method: str) -> None:
    response = getattr(program, method)(url)
    assert (response.status_code, response["Allow"], list(response.json())) == (405, "GET, HEAD", ["error"])


@pytest.mark.parametrize("url", READ)
def test_a_token_needs_no_database(program: Client, url: str) -> None:
    """pytest-django would refuse the query."""
    assert program.get(url).status_code == 200
    assert program.head(url).content == b""


def test_each_of_several_tokens_is_known_by_its_name(settings) -> None:
    made = {name: new_token() for name in ("one", "two", "three")}
    settings.QUEUES_API_TOKENS = {name: hash_of(token).upper() for name, token in made.items()}
    assert {name: find_name(token) for name, token in made.items()} == {name: name for name in made}
    settings.QUEUES_API_TOKENS = [hash_of(token) for token in made.values()]
    assert find_name(made["two"]) == hash_of(made["two"])[:8]


def test_all_tokens_are_compared_whichever_fits(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def compare(mine: str, known: str) -> bool:
        compared.append(known)
        return crypto.constant_time_compare(mine, known)

    first, last = new_token(), new_token()
    settings.QUEUES_API_TOKENS = {"first": hash_of(first), "last": hash_of(last)}
    monkeypatch.setattr(tokens, "constant_time_compare", compare)
    for token in (first, last, "none"):
        compared.clear()
        find_name(token)
        assert compared == [hash_of(first), hash_of(last)]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer wrong", "Bearer {hash}", "Bearer {token}x", "bearer \xff\x00", "Bearer {token} {token}"]
)
def test_an_unknown_token_is_401_whoever_is_logged_in(token: str, header: str) -> None:
    client = Client(headers={"Authorization": header.format(token=token, hash=hash_of(token))})
    for url in URLS:
        response = client.get(url)
        assert (response.status_code, list(response.json())) == (401, ["error"])
        assert response["WWW-Authenticate"] == 'Bearer realm="queues", error="invalid_token"'
        assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_a_token_elsewhere_than_in_its_header_opens_nothing(client: Client, token: str) -> None:
    assert client.get(f"/metrics?token={token}").status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Basic {token}"})["WWW-Authenticate"] == 'Bearer realm="queues"'


@pytest.mark.parametrize("known", [{"empty": ""}, {"plain": "secret"}, [None], {"short": "e3b0c442"}, {}])
def test_what_is_no_hash_opens_nothing(settings, known: object) -> None:
    settings.QUEUES_API_TOKENS = known
    assert [find_name(text) for text in ("", "secret", "None", "e3b0c442")] == [None] * 4


def test_the_scheme_may_be_written_in_any_case(token: str) -> None:
    assert Client(headers={"Authorization": f"bEARER  {token} "}).get(READ[0]).status_code == 200


def test_the_use_of_a_token_is_logged_by_its_name_and_the_token_nowhere(program: Client, token: str, caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        program.get("/api/admin/queues/no%0D%1Bsuch")
        Client(headers={"Authorization": "Bearer geheim"}).get(READ[0])
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "queues.audit"]
    assert lines == [
        ("INFO", "GET /api/admin/queues/no%0D%1Bsuch with the token prometheus"),
        ("WARNING", "refused: GET /api/admin/queues with an unknown token"),
    ]
    assert token not in caplog.text and "geheim" not in caplog.text


def test_what_there_is_not_is_told_as_json(program: Client) -> None:
    for url in ("/api/admin/queues/none", "/api/admin/queues/none/jobs", "/api/admin/queues/<script>/jobs", "/api/admin/queues/a/b"):
        response = program.get(url)
        assert (response.status_code, response["Content-Type"], list(response.json())) == (404, "application/json", ["error"])
    response = program.get(f"/api/admin/queues/{QUEUE}/jobs?state=lost")
    assert (response.status_code, response["Content-Type"]) == (400, "application/json")
