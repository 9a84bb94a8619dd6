"""Retrying a job with another payload."""

from typing import Any

import orjson
import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from queues import Job, State, add_job, get_job
from queues.masking import MASK
from queues.store import keys, payloads
from queues.testing import run_jobs
from tests.queues.admin.job.adding.conftest import again, errors, only_job
from tests.queues.filling import Committed
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db


class TestRetryWithChangedPayload:
    @pytest.fixture
    def dead(self, committed: Committed, connection) -> Job:
        with committed(execute=True):
            found = add_job(QUEUE, "fail-with-token", {"name": "Ann\nand\r\nBob", "token": "hunter-2-token"}, attempts=1, priority=3)
        run_jobs(QUEUE)
        return found.refresh()

    def test_a_new_job_is_added_and_the_old_one_stays(self, submit, operator: Client, dead: Job) -> None:
        response = submit(again(dead), payload__name="Cleo")
        added = only_job()
        assert added.id != dead.id
        assert added.data == {"name": "Cleo", "token": "hunter-2-token"}
        assert (added.priority, added.attempts) == (3, 1)
        assert get_job(dead.id).state is State.FAILED
        page = operator.get(response.headers["Location"]).content.decode()
        assert f"{dead.id}/change/" in page
        assert "stays as it is" in page

    def test_both_are_logged_without_their_payloads(self, submit, dead: Job) -> None:
        submit(again(dead), payload__name="Cleo")
        added = only_job()
        assert {entry.object_id: entry.change_message for entry in LogEntry.objects.all()} == {
            added.id: f"added: fail-with-token to {QUEUE}, as a retry of {dead.id} with a changed payload",
            dead.id: f"retried with a changed payload, as {added.id}",
        }

    def test_what_is_left_alone_keeps_its_value_to_the_byte(self, submit, dead: Job) -> None:
        submit(again(dead))
        assert only_job().data == {"name": "Ann\nand\r\nBob", "token": "hunter-2-token"}

    def test_the_masked_value_is_never_shown_not_even_in_an_error(self, submit, operator: Client, dead: Job, connection) -> None:
        assert "hunter-2-token" not in operator.get(again(dead)).content.decode()
        response = submit(again(dead), payload__name=f"with {MASK}")
        assert "enter the value" in errors(response)["name"][0]
        assert "hunter-2-token" not in response.content.decode()
        data = payloads.encode("fail-with-token", {"name": ["hunter-2-token"], "token": "hunter-2-token"})
        connection.hset(keys.job(dead.id), "data", data)
        response = submit(again(dead))
        assert "valid string" in errors(response)["name"][0]
        assert "hunter-2-token" not in response.content.decode()

    def test_a_masked_value_inside_of_json_that_was_changed_is_kept_too(self, submit, committed: Committed) -> None:
        with committed(execute=True):
            found = add_job(QUEUE, "everything", {"title": "A title", "address": {"street": "Main", "token": "inner-secret"}})
        run_jobs(QUEUE)
        submit(again(found), payload__address=f'{{"street": "Side", "token": "{MASK}"}}')
        assert only_job().data["address"] == {"street": "Side", "token": "inner-secret"}
        response = submit(again(found), payload__tags=f'["{MASK}"]')
        assert "enter the value" in errors(response)["tags"][0]

    def test_a_new_masked_value_can_be_entered(self, submit, dead: Job) -> None:
        submit(again(dead), payload__token="another")
        assert only_job().data["token"] == "another"

    def test_fields_of_an_older_version_are_shown_and_refused_where_they_belong(self, submit, dead: Job, connection) -> None:
        data = payloads.encode("fail-with-token", {"name": "Ann", "token": "hunter-2-token", "old": {"password": "p"}})
        connection.hset(keys.job(dead.id), "data", data)
        response = submit(again(dead))
        assert errors(response) == {"(others)": ["old: Extra inputs are not permitted"]}
        response = submit(again(dead), **{"payload__(others)": "{}"})
        assert response.status_code == 302
        assert only_job().data == {"name": "Ann", "token": "hunter-2-token"}

    def test_stored_values_that_fit_no_widget_are_kept(self, submit, committed: Committed, connection) -> None:
        with committed(execute=True):
            found = add_job(QUEUE, "everything", {"title": "A title"})
        run_jobs(QUEUE)
        stored = {**found.data, "count": True, "color": "purple", "day": "2030-01-01T00:00:00", "is_urgent": 1, "title": "\n\ntwo lines"}
        connection.hset(keys.job(found.id), "data", payloads.encode("everything", stored))
        assert errors(submit(again(found))) == {"color": ["Input should be 'red' or 'blue'"]}
        submit(again(found), payload__color='"blue"')
        assert only_job().data == {
            **found.data,
            "count": 1,
            "color": "blue",
            "day": "2030-01-01",
            "is_urgent": True,
            "title": "\n\ntwo lines",
        }

    @pytest.mark.parametrize(
        "fields", [{"status": "queued"}, {"name": "no-longer-registered"}, {"origin": "elsewhere"}, {"data": b"rubbish"}]
    )
    def test_a_job_that_cannot_be_is_said_so(self, operator: Client, dead: Job, connection, fields: dict[str, Any]) -> None:
        connection.hset(keys.job(dead.id), mapping=fields)
        response = operator.get(again(dead), follow=True)
        assert "can be retried with a changed payload" in response.content.decode()

    def test_a_plain_rq_call_of_a_registered_name_is_not_rerun_with_its_arguments_lost(
        self, operator: Client, dead: Job, connection
    ) -> None:
        connection.hset(keys.job(dead.id), "data", orjson.dumps(["some.function", None, [1], {}]))
        assert operator.get(again(dead)).status_code == 302

    def test_what_repeats_a_masked_value_is_not_kept_once_that_is_another(self, submit, dead: Job, connection) -> None:
        """In the new job nothing would mask it."""
        data = payloads.encode("fail-with-token", {"name": "uses hunter-2-token", "token": "hunter-2-token"})
        connection.hset(keys.job(dead.id), "data", data)
        response = submit(again(dead), payload__token="another")
        assert errors(response) == {"name": ["It repeats a masked value that is another now: enter it anew."]}
        submit(again(dead), payload__token="another", payload__name="uses another")
        assert only_job().data == {"name": "uses another", "token": "another"}
