"""The page of a job, for an operator who may do all."""

import re
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from queues import Job
from tests.queues.accounts import make_user
from tests.queues.filling import Committed

ALL = ("view_queue", "change_queue", "add_job", "cancel_job", "remove_job")


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user(*ALL))
    return client


@pytest.fixture
def queued(committed: Committed):
    """`queued(greet, name="Ann")` adds a job, committed."""

    def add(registered, options=None, **payload) -> Job:
        with committed(execute=True):
            return registered.using(**(options or {})).enqueue(**payload)

    return add


def url(name: str, *args: str) -> str:
    return reverse(f"admin:queues_job_{name}", args=args)


def texts(page: str) -> str:
    """What one reads on it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.split('id="content-main"')[1])).split())


def show(client: Client, job_id: str, status: int = 200) -> str:
    response = client.get(url("change", job_id))
    assert response.status_code == status
    return response.content.decode()


def act(client: Client, name: str, job_id: str) -> list[str]:
    """Does it, and gives the messages."""
    response = client.post(url(name, job_id), follow=True)
    return [str(message) for message in response.context["messages"]]


def log_of(job_id: str) -> list[str]:
    return [entry.change_message for entry in LogEntry.objects.filter(object_id=job_id).order_by("pk")]
