"""Texts that attack whoever shows them, and what a stranger may plant in Redis."""

from __future__ import annotations

import time

import redis

from queues.store import keys
from tests.testapp.jobs import QUEUE

BIDI = "\u202egpj.exe\u202c\u2066\u200f"
HOSTILE = (
    '<script>window.__ran = 1</script>"\'><img src=x onerror="window.__ran = 1"><svg/onload=window.__ran=1></textarea></title>'
    f"{{{{ 7|add:7 }}}}{{% now 'Y' %}}${{7*7}} javascript:window.__ran=1 {BIDI} --> ]]> \\\\ %s &amp; {{}} \u2028"
)
"""What a job may legally carry."""

UNREADABLE = "<script>window.__ran = 1</script>\x00\x1b[31m\x7f\x85\ufffe"
"""HTML and JSON have no way of saying these."""

HALF = '{"half": "\\ud800", "key \\udfff": ["\\ud83d"], "text": "<script>window.__ran = 1</script>"}'
"""JSON, as other languages' libraries write it, of half surrogate pairs: no UTF-8 says that."""

NUMBERS = ["nan", "inf", "-inf", "1e400", "9" * 400, "-1", "0x10", "", "\x00", HALF, "[]", '{"a": {"b": [null, 1e400]}}', HOSTILE]
FIELDS = ["priority", "attempts", "attempts_made", "stalled", "created_at", "enqueued_at", "started_at", "ended_at", "timeout", "progress",
          "backoff", "meta", "description", "error", "error_class", "owner", "worker_name", "name",
          "data", "exc_info", "result"]  # fmt: skip
RESULT_FIELDS = ("type", "exc_string", "exc_class", "return_value", "worker_name", "execution_started_at", "execution_ended_at")
PLACES = {
    "failed": (keys.failed(QUEUE), "failed"),
    "completed": (keys.completed(QUEUE), "finished"),
    "delayed": (keys.delayed(QUEUE), "scheduled"),
}


def plant(connection: redis.Redis) -> list[str]:
    """Jobs whose every field is rubbish, in each state; members that are no jobs; logs, results and counts of nonsense. Returns the ids."""
    ids = [_plant_job(connection, number, text, place) for place in PLACES for number, text in enumerate(NUMBERS)]
    for text in NUMBERS:
        connection.rpush(keys.log(ids[0]), text)
        connection.xadd(
            keys.results(ids[0]), dict.fromkeys(("type", "exc_string", "return_value", "worker_name", "execution_started_at"), text)
        )
        connection.hset(keys.errors(QUEUE), f"first:{text}", text)
        for counted in (keys.minute(QUEUE, int(time.time() // 60)), keys.hour(QUEUE, int(time.time() // 3600)), keys.counts(QUEUE)):
            connection.hset(counted, mapping={f"completed:{text}": text, f"run{text}": text, "failed": text, f"error:{text}": text})
        connection.hset(keys.state(QUEUE), text, text)
    connection.zadd(keys.failed(QUEUE), {"gone": 1, "": "inf", "a/b?c#d": 2, HOSTILE: 3, "..": 4, "%2e%2e%2f": 5})
    connection.rpush(keys.waiting(QUEUE), "gone", "", HOSTILE, UNREADABLE)
    connection.zadd(keys.leases(QUEUE), {"::": 1, "gone:x": "inf", f"{HOSTILE}:1": time.time() + 99})
    worker = dict.fromkeys(("hostname", "pid", "queues", "state", "last_heartbeat", "running", "successful_job_count", "birth"), UNREADABLE)
    for name in ("rubbish", HOSTILE):
        connection.hset(keys.worker(name), mapping={**worker, "queues": f"{QUEUE},{HOSTILE}"})
        connection.sadd(f"rq:workers:{QUEUE}", keys.worker(name))
        connection.sadd("rq:workers", keys.worker(name))
    return ids


def _plant_job(connection: redis.Redis, number: int, text: str, place: str) -> str:
    key, status = PLACES[place]
    job_id = f"planted-{place}-{number}"
    connection.hset(keys.job(job_id), mapping={**dict.fromkeys(FIELDS, text), text: text, "origin": QUEUE, "status": status})
    connection.zadd(key, {job_id: time.time() + number})
    return job_id
