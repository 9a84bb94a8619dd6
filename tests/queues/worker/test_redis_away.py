"""A worker and a Redis server of the tests' own that is killed and comes back."""

import signal
import subprocess
import time
from collections.abc import Callable

from tests.queues.conftest import wait_until
from tests.testapp.jobs import TRACE

StartWorker = Callable[..., subprocess.Popen[str]]


def test_an_idle_and_a_busy_worker_survive_a_restart_of_redis(start_worker: StartWorker, server: Server) -> None:
    from django.test import override_settings

    from queues import add_jobs, get_queue_stats

    url = f"redis://127.0.0.1:{server.port}/0"
    queues = {"notifications": {"URL": url, "SERIALIZER": "rq.serializers.JSONSerializer"}}
    with override_settings(RQ_QUEUES=queues):
        worker = start_worker("notifications", REDIS_URL=url)
        wait_until(lambda: server.client.scard("rq:workers"))
        add_jobs("notifications", [("greet", {"name": "running", "seconds": 3.0})])
        wait_until(lambda: get_queue_stats("notifications").active)
        server.kill()
        time.sleep(2)
        server.start()
        add_jobs("notifications", [("greet", {"name": f"n{number}"}) for number in range(20)])
        wait_until(lambda: get_queue_stats("notifications").completed == 21, timeout_seconds=20)
        assert server.client.llen(TRACE) == 42, "each started and ended once"
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
