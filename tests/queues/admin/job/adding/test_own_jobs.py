"""What acts on jobs is added by its own pages alone."""

import json
from typing import ClassVar

import pytest
from django.test import Client

from queues import add_job, get_queue
from queues.jobs.registry import registry
from queues.operations.bulk import BULK_JOBS
from queues.operations.bulk_dead_letters import BULK_DEAD_LETTERS
from queues.testing import run_jobs
from tests.queues.admin.job.adding.conftest import ADD, again
from tests.queues.filling import Committed
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db


class TestOwnJobs:
    """What acts on jobs does so by rights that its page asked for, and signs with a name: `add_job` must not lend them."""

    PAYLOADS: ClassVar = {
        BULK_JOBS: {"action": "remove", "queue": QUEUE, "state": "waiting", "user_id": "1", "user_name": "root"},
        BULK_DEAD_LETTERS: {"action": "remove", "queues": [QUEUE], "expected": 1, "until": "2099-01-01T00:00:00Z", "user_id": "1"},
    }

    @pytest.mark.parametrize("name", PAYLOADS)
    def test_they_are_not_added_by_hand(self, operator: Client, name: str, connection) -> None:
        queue = registry.get(name).queue
        assert name not in operator.get(ADD).content.decode()
        form = {f"payload-{field}": value if isinstance(value, str) else json.dumps(value) for field, value in self.PAYLOADS[name].items()}
        for address in (f"{ADD}?name={name}", f"{ADD}?queue={queue}&name={name}"):
            assert operator.get(address).status_code == 404
            assert operator.post(address, form).status_code == 404
        assert connection.keys("rq:job:*") == []

    @pytest.mark.parametrize("name", PAYLOADS)
    def test_nor_once_more_with_another_payload(self, operator: Client, committed: Committed, name: str) -> None:
        queue = registry.get(name).queue
        with committed(execute=True):
            found = add_job(queue, name, {**self.PAYLOADS[name], "user_id": ""})
        run_jobs(queue)
        assert operator.post(again(found), {"payload-action": "remove"}).status_code == 302
        assert get_queue(queue).job_ids("waiting") == []

    def test_the_clean_up_which_takes_no_orders_is(self, operator: Client) -> None:
        assert operator.get(f"{ADD}?name=clean-queues").status_code == 200
