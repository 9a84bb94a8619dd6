"""The form that adds a job, for an operator who may add, filled as a browser fills it."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from queues import Job, State, get_queue
from tests.queues.accounts import make_user
from tests.testapp.jobs import QUEUE

ADD = "/admin/queues/job/add/"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user("view_queue", "add_job"))
    return client


@pytest.fixture
def submit(operator: Client) -> Callable[..., Any]:
    """Fills the form at the address as a browser does: what is not named stays as it was shown."""

    def fill(address: str, **fields: str) -> Any:
        shown = shown_fields(operator.get(address).content.decode())
        named = {name.replace("__", "-"): value for name, value in fields.items()}
        assert named.keys() <= shown.keys(), f"no field {named.keys() - shown.keys()}"
        return operator.post(address, {**shown, **named})

    return fill


def shown_fields(page: str) -> dict[str, str]:
    """What a browser would send of it untouched."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and "csrf" not in name[1]:
            found[unescape(name[1])] = unescape(value[1]) if value else ""
    for name, text in re.findall(r'<textarea name="([^"]*)"[^>]*>\n?(.*?)</textarea>', page, re.S):
        found[unescape(name)] = unescape(text).replace("\r\n", "\n").replace("\n", "\r\n")
    for name, options in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', page, re.S):
        selected = re.search(r'value="([^"]*)"\s+selected', options) or re.search(r'value="([^"]*)"', options)
        found[unescape(name)] = unescape(selected[1])
    return found


def of(name: str) -> str:
    return f"{ADD}?queue={QUEUE}&name={name}"


def again(job: Job) -> str:
    return reverse("admin:queues_job_rerun", args=[job.id])


def only_job() -> Job:
    (found,) = get_queue(QUEUE).jobs(State.WAITING)
    return found


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return {name: list(found) for name, found in response.context["payload"].errors.items()}
