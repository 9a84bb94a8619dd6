"""A project may have more than one admin site; the pages of each lead to its own."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import path

from queues import models
from tests.queues.accounts import make_user
from tests.queues.admin.dead import dead_jobs
from tests.testapp.jobs import QUEUE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.queues.admin.test_second_site")]

second = admin.AdminSite(name="second")
for model in (models.Queue, models.Job, models.Worker, models.Schedule, models.DeadLetter, models.AuditEntry):
    second.register(model, type(admin.site._registry[model]))
urlpatterns = [path("admin/", admin.site.urls), path("second/", second.urls)]


def test_what_is_left_to_a_job_links_to_that_job_on_the_same_site(client: Client, settings) -> None:
    settings.QUEUES_BULK_INLINE = 1
    dead_jobs(3)
    client.force_login(make_user("view_queue", "change_queue"))
    response = client.post(f"/second/queues/queue/{QUEUE}/bulk/?state=failed&action=retry", follow=True)
    assert [destination for destination, _ in response.redirect_chain] == [f"/second/queues/queue/{QUEUE}/change/?state=failed"]
    assert 'href="/second/queues/job/' in str(next(iter(response.context["messages"])))
