"""The page of jobs that nobody should have made."""

import orjson
import pytest
from django.test import Client
from django.urls import reverse

from queues.store import keys, payloads
from tests.queues.admin.job.conftest import show, texts, url
from tests.testapp.jobs import QUEUE, greet

pytestmark = pytest.mark.django_db


class TestHostileJobs:
    TEXT = b"<script>alert(1)</script>\x00\xff\xed\xa0\x80"

    def test_a_planted_hash_is_shown_not_run(self, operator: Client, connection) -> None:
        fields = dict.fromkeys(("name", "origin", "error", "error_class", "owner", "worker_name", "dedupe", "description"), self.TEXT)
        numbers = dict.fromkeys(("priority", "attempts", "attempts_made", "stalled", "timeout"), b"9" * 30)
        moments = dict.fromkeys(("created_at", "started_at", "ended_at"), b"0001-01-01T00:00:00Z")
        data = payloads.encode("x", {"<script>": ["</pre><script>alert(1)</script>"]})
        progress = b'{"a": "<script>"}'
        connection.hset(
            keys.job("planted"), mapping={**fields, **numbers, **moments, "status": "failed", "data": data, "progress": progress}
        )
        connection.rpush(keys.log("planted"), self.TEXT)
        connection.xadd(keys.results("planted"), {"type": 2, "exc_string": "rubbish", "worker_name": self.TEXT, "return_value": "%%"})
        page = show(operator, "planted")
        assert "<script>" not in page.split('id="content-main"')[1]
        assert "&lt;script&gt;" in page

    @pytest.mark.parametrize("data", [b"", b"\x80\x04pickle", b"[]", b'{"a": 1}'])
    def test_data_that_is_no_call_is_said_to_be_none(self, operator: Client, connection, data: bytes) -> None:
        connection.hset(keys.job("planted"), mapping={"origin": QUEUE, "status": "failed", "data": data})
        assert "no call as JSON" in texts(show(operator, "planted"))

    def test_a_function_of_plain_rq_is_named_with_its_arguments(self, operator: Client, connection) -> None:
        data = orjson.dumps(["some.module.function", None, [1, "two"], {"token": "abcdef"}])
        connection.hset(keys.job("planted"), mapping={"origin": QUEUE, "status": "queued", "data": data})
        text = texts(show(operator, "planted"))
        assert '"two"' in text
        assert "abcdef" not in text
        assert "some.module.function" in operator.get(url("change", "planted")).content.decode()

    def test_payloads_nested_without_end_are_shown_to_a_depth(self, operator: Client, connection) -> None:
        data = b'["queues.jobs.run.run",null,["x"],{"a":' + b"[" * 900 + b"]" * 900 + b"}]"
        connection.hset(keys.job("planted"), mapping={"origin": QUEUE, "status": "failed", "data": data})
        assert "too deep to be shown" in show(operator, "planted")

    def test_keys_of_another_type_are_no_job_and_no_log(self, operator: Client, queued, connection) -> None:
        connection.set(keys.job("planted"), "a string")
        show(operator, "planted", 404)
        job = queued(greet, name="Ann")
        connection.set(keys.log(job.id), "a string")
        connection.set(keys.results(job.id), "a string")
        show(operator, job.id)

    @pytest.mark.parametrize("job_id", ["missing", "_00", "%ED%A0%80", "a/b", "<script>", "x" * 5000])
    def test_a_missing_job_is_a_page_with_a_way_back(self, operator: Client, job_id: str) -> None:
        page = show(operator, job_id, 404)
        assert "<script>" not in page.split('id="content-main"')[1]
        assert reverse("admin:queues_queue_changelist") in page

    def test_redis_away_is_a_page_that_says_so(self, operator: Client, settings) -> None:
        settings.RQ_QUEUES = {"away": {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}}
        for address in (url("change", "x"), url("changelist") + "?id=x", url("rerun", "x"), url("text", "x", "payload")):
            assert operator.get(address).status_code == 503
        assert operator.post(url("retry", "x")).status_code == 503

    def test_a_job_is_found_though_another_redis_is_away(self, operator: Client, queued, settings) -> None:
        job = queued(greet, name="Ann")
        settings.RQ_QUEUES = {"away": {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}, QUEUE: settings.RQ_QUEUES[QUEUE]}
        show(operator, job.id)
