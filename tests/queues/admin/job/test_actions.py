"""What can be done from the page of a job."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from queues import State, get_job, get_queue
from queues.store import keys
from queues.testing import run_jobs
from tests.queues.accounts import make_user
from tests.queues.admin.job.conftest import ALL, act, log_of, show, url
from tests.testapp.jobs import QUEUE, give_up, greet

pytestmark = pytest.mark.django_db


class TestWhatCanBeDone:
    def buttons(self, page: str) -> list[str]:
        actions = re.search(r'<ul class="job-actions">(.*?)</ul>', page, re.S)[1]
        return [text.strip() for text in re.findall(r'class="button[^"]*"[^>]*>([^<]+)<', actions)]

    def test_which_actions_are_offered_depends_on_the_state(self, operator: Client, queued, connection) -> None:
        waiting, delayed = queued(greet, name="Ann"), queued(greet, {"delay": 60}, name="Bob")
        assert self.buttons(show(operator, waiting.id)) == ["Cancel", "Remove…"]
        assert self.buttons(show(operator, delayed.id)) == ["Promote", "Cancel", "Remove…"]
        run_jobs(QUEUE)
        assert self.buttons(show(operator, waiting.id)) == ["Retry with changed payload", "Remove…"]
        dead = queued(give_up, name="Cleo")
        run_jobs(QUEUE)
        assert self.buttons(show(operator, dead.id)) == ["Retry", "Retry with changed payload", "Remove…"]
        connection.hset(keys.job(waiting.id), "status", "started")
        assert self.buttons(show(operator, waiting.id)) == ["Cancel"]
        connection.hset(keys.job(waiting.id), "cancel", "1")
        page = show(operator, waiting.id)
        assert self.buttons(page) == []
        assert "told to stop" in page

    def test_which_are_offered_depends_on_the_rights(self, client: Client, queued) -> None:
        dead = queued(give_up, name="Cleo")
        run_jobs(QUEUE)
        client.force_login(make_user("view_queue"))
        assert self.buttons(show(client, dead.id)) == []
        client.force_login(make_user("view_queue", "change_queue"))
        assert self.buttons(show(client, dead.id)) == ["Retry"]

    def test_each_action_needs_its_own_right_and_a_post(self, client: Client, operator: Client, queued) -> None:
        job = queued(greet, name="Ann")
        for name in ("retry", "promote", "cancel"):
            assert operator.get(url(name, job.id)).status_code == 405
        rights = {"retry": "change_queue", "promote": "change_queue", "cancel": "cancel_job", "remove": "remove_job", "rerun": "add_job"}
        for name, right in rights.items():
            client.force_login(make_user(*(set(ALL) - {right})))
            assert client.post(url(name, job.id)).status_code == 403
        assert get_job(job.id).state is State.WAITING
        assert not LogEntry.objects.exists()

    def test_retry(self, operator: Client, queued) -> None:
        job = queued(give_up, name="Ann")
        run_jobs(QUEUE)
        assert act(operator, "retry", job.id) == ["It waits again, with its attempts reset."]
        assert get_job(job.id).state is State.WAITING
        assert log_of(job.id) == [f"retried: give-up of {QUEUE}"]

    def test_promote(self, operator: Client, queued) -> None:
        job = queued(greet, {"delay": 60}, name="Ann")
        act(operator, "promote", job.id)
        assert get_job(job.id).state is State.WAITING
        assert log_of(job.id) == [f"promoted: greet of {QUEUE}"]

    def test_cancel_of_a_waiting_and_of_a_running_job(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        assert act(operator, "cancel", job.id) == ["It will not run: it is a failed job now."]
        assert get_job(job.id).state is State.FAILED
        running = queued(greet, name="Bob")
        connection.hset(keys.job(running.id), mapping={"status": "started", "worker_name": "somebody"})
        assert act(operator, "cancel", running.id) == ["It runs: its worker was told to stop it."]
        assert log_of(running.id) == [f"cancelled while active: greet of {QUEUE}"]

    def test_remove_asks_first(self, operator: Client, queued) -> None:
        job = queued(greet, name="Ann")
        page = operator.get(url("remove", job.id)).content.decode()
        assert "deleted for good" in page
        assert get_job(job.id).id == job.id
        operator.post(url("remove", job.id))
        assert get_queue(QUEUE).find(job.id) is None
        (entry,) = LogEntry.objects.all()
        assert (entry.object_id, entry.is_deletion(), entry.change_message) == (job.id, True, f"removed: greet of {QUEUE}")

    def test_a_running_job_is_not_even_asked_about(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        connection.hset(keys.job(job.id), "status", "started")
        page = operator.get(url("remove", job.id), follow=True).content.decode()
        assert "had changed meanwhile: it is active now" in page

    @pytest.mark.parametrize("name", ["retry", "promote"])
    def test_what_had_changed_meanwhile_is_told_kindly_and_not_logged(self, operator: Client, queued, name: str) -> None:
        job = queued(greet, name="Ann")
        assert act(operator, name, job.id) == ["The job had changed meanwhile: it is waiting now. Nothing was done."]
        assert log_of(job.id) == []

    def test_cancel_of_an_ended_and_remove_of_a_running_job_are_refused(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        run_jobs(QUEUE)
        assert act(operator, "cancel", job.id) == ["The job had changed meanwhile: it is completed now. Nothing was done."]
        connection.hset(keys.job(job.id), "status", "started")
        assert act(operator, "remove", job.id) == ["The job had changed meanwhile: it is active now. Nothing was done."]

    def test_acting_on_a_job_that_is_gone_is_the_friendly_404(self, operator: Client) -> None:
        for name in ("retry", "promote", "cancel", "remove", "rerun"):
            assert operator.post(url(name, "missing")).status_code == 404

    def test_a_name_with_nul_can_be_acted_on_and_logged(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        connection.hset(keys.job(job.id), "name", b"gr\x00eet")
        act(operator, "cancel", job.id)
        assert log_of(job.id) == [f"cancelled while waiting: gr\N{REPLACEMENT CHARACTER}eet of {QUEUE}"]
