"""GET /metrics."""

import pytest
import redis
from django.test import Client
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from queues import add_job, add_jobs, cancel_job, get_queue, pause_queue
from queues.address import describe
from queues.api.prometheus.names import MOST_OTHERS
from queues.api.prometheus.reading import read_server
from queues.operations.health import capacity_of
from queues.store import keys, scripts
from queues.testing import run_jobs
from tests.processes import RedisServer, StartWorker, wait_until
from tests.queues.api.scrapes import scrape
from tests.queues.roundtrips import round_trips
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db(transaction=True)


def test_jobs_are_counted_by_rqs_status_under_django_rqs_name(program: Client) -> None:
    add_jobs(QUEUE, [("greet", {"name": "Ann"}), ("give-up", {"name": "Bob"})])
    run_jobs(QUEUE)
    add_jobs(QUEUE, [("greet", {"name": "Cleo"}), ("greet", {"name": "Dan"})])
    add_job(QUEUE, "greet", {"name": "Eve"}, delay=60)
    found = scrape(program)
    assert {status: found["rq_jobs", QUEUE, status] for status in ("queued", "started", "scheduled", "finished", "failed", "deferred")} == {
        "queued": 2,
        "started": 0,
        "scheduled": 1,
        "finished": 1,
        "failed": 1,
        "deferred": 0,
    }
    assert found["queues_up", describe(get_queue(QUEUE).config)] == 1 and found["queues_readable", QUEUE] == 1
    assert 0 <= found["queues_oldest_waiting_seconds", QUEUE] < 60


def test_the_names_labels_and_statuses_of_django_rqs_own_metrics_are_kept(program: Client, start_worker: StartWorker) -> None:
    from django_rq.contrib.prometheus import RQCollector

    start_worker(QUEUE)
    wait_until(lambda: scrape(program).get(("queues_workers", QUEUE)))
    text = program.get("/metrics").content.decode()
    ours = {sample.name: set() for family in text_string_to_metric_families(text) for sample in family.samples}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            ours[sample.name].add(tuple(sorted(sample.labels.items())))
    theirs = {family.name: {tuple(sorted(sample.labels.items())) for sample in family.samples} for family in RQCollector().collect()}
    REGISTRY.unregister(RQCollector.summary)
    for name in ("rq_jobs", "rq_workers"):
        assert ours[name] == theirs[name] != set()


def test_outcomes_are_counted_by_queue_name_and_outcome(program: Client) -> None:
    before = scrape(program)
    assert before["queues_jobs_total", QUEUE, "give-up", "failed"] == 0  # so that the first one is an increase
    add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(3)])
    add_jobs(QUEUE, [("give-up", {"name": "Eve"})])
    cancel_job(add_job(QUEUE, "greet", {"name": "Ann"}).id)
    run_jobs(QUEUE)
    found = scrape(program)
    assert found["queues_jobs_total", QUEUE, "greet", "completed"] == 3
    assert found["queues_jobs_total", QUEUE, "greet", "failed"] == 1
    assert found["queues_jobs_total", QUEUE, "give-up", "failed"] == 1


def test_histograms_are_cumulative_and_end_with_all(program: Client, connection: redis.Redis) -> None:
    counts = {
        "run0": 1,
        "run1": 2,
        "run2": 4,
        "run20": 8,
        "run44": 16,
        "run45": 32,
        "run46": 64,
        "run_ms": 123456,
        "wait3": 5,
        "wait_ms": 14,
    }
    connection.hset(keys.counts(QUEUE), mapping={f"{field}:greet": count for field, count in counts.items()})
    found = scrape(program)
    run = {end: found["queues_run_seconds_bucket", QUEUE, "greet", end] for end in ("0.001", "0.002", "1.024", "4194.304", "+Inf")}
    assert run == {"0.001": 1, "0.002": 7, "1.024": 15, "4194.304": 31, "+Inf": 127}
    assert (found["queues_run_seconds_count", QUEUE, "greet"], found["queues_run_seconds_sum", QUEUE, "greet"]) == (127, 123.456)
    assert (found["queues_wait_seconds_count", QUEUE, "greet"], found["queues_wait_seconds_sum", QUEUE, "greet"]) == (5, 0.014)
    assert len([key for key in found if key[:3] == ("queues_run_seconds_bucket", QUEUE, "greet")]) == 24


def test_pause_workers_slots_and_utilization_are_told(program: Client, start_worker: StartWorker) -> None:
    start_worker(QUEUE, "--concurrency", "4")
    add_job(QUEUE, "greet", {"name": "Ann", "seconds": 30})
    wait_until(lambda: (found := scrape(program)).get(("queues_busy_slots", QUEUE)) and found["queues_slots", QUEUE] == 4)
    pause_queue(QUEUE)
    found = scrape(program)
    figures = {
        name: found[f"queues_{name}", QUEUE] for name in ("paused", "workers", "slots", "busy_slots", "capacity", "utilization_ratio")
    }
    assert figures == {"paused": 1, "workers": 1, "slots": 4, "busy_slots": 1, "capacity": capacity_of(QUEUE, 4), "utilization_ratio": 0.25}
    assert found["rq_jobs", QUEUE, "started"] == 1


def test_job_names_have_an_end(program: Client, connection: redis.Redis) -> None:
    strangers = {f"failed:stranger-{number:04}": 1 for number in range(500)} | {f"failed:{'x' * 5000}": 1, "failed:(others)": 1}
    connection.hset(keys.counts(QUEUE), mapping=strangers | {"failed:greet": 7, 'failed:"\n\\': 3})
    found = scrape(program)
    names = {key[2] for key in found if key[:2] == ("queues_jobs_total", QUEUE)}
    assert len([name for name in names if name.startswith("stranger-")]) <= MOST_OTHERS
    assert found["queues_jobs_total", QUEUE, "greet", "failed"] == 7
    assert sum(found["queues_jobs_total", QUEUE, name, "failed"] for name in names) == 500 + 2 + 7 + 3


def test_nothing_private_is_a_label(program: Client, start_worker: StartWorker) -> None:
    job = add_job(QUEUE, "fail", {"name": "geheim"}, attempts=1)
    owned = add_job(QUEUE, "mail", {"user_id": 77123, "subject": "geheim"})
    run_jobs(QUEUE)
    text = program.get("/metrics").content.decode()
    for private in (job.id, owned.id, "geheim", "77123", "ValueError"):
        assert private not in text


def test_the_format_is_what_the_scraper_accepts(program: Client) -> None:
    plain, openmetrics = program.get("/metrics"), program.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert plain["Content-Type"].startswith("text/plain; version=0.0.4")
    assert openmetrics["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.content.endswith(b"# EOF\n")


def test_what_one_scrape_asks_for_does_not_leak_into_the_next(program: Client) -> None:
    whole = families(program.get("/metrics"))
    assert families(program.get("/metrics?name[]=rq_jobs&name[]=none")) == {"rq_jobs"}
    assert families(program.get("/metrics?name[]=none")) == set()
    assert families(program.get("/metrics")) == whole > {"rq_jobs", "rq_workers", "queues_up", "queues_jobs", "embeddings_up"}


def families(response) -> set[str]:
    return {family.name for family in text_string_to_metric_families(response.content.decode())}


def test_a_redis_that_hangs_is_told_and_the_others_queues_are_there(program: Client, server: RedisServer, time_limit) -> None:
    assert sorted(value for key, value in scrape(program).items() if key[0] == "queues_up") == [1, 1]
    server.hang()
    with time_limit(2):
        found = scrape(program)
    up = {key[1]: value for key, value in found.items() if key[0] == "queues_up"}
    assert up[server.url] == 0 and sorted(up.values()) == [0, 1]
    assert ("rq_jobs", QUEUE, "queued") not in found and ("rq_jobs", "embeddings", "queued") in found
    assert not any("secret" in part for key in found for part in key)


def test_every_redis_away_is_200(program: Client, settings) -> None:
    settings.RQ_QUEUES = {
        name: {"URL": f"redis://:secret@127.0.0.1:{port}/0", "SERIALIZER": "rq.serializers.JSONSerializer"}
        for port, name in enumerate(settings.RQ_QUEUES, 1)
    }
    found = scrape(program)
    assert {key: value for key, value in found.items() if key[0].startswith(("queues", "rq"))} == {
        ("queues_up", f"redis://127.0.0.1:{port}/0"): 0 for port in (1, 2, 3)
    }


def test_a_queue_whose_key_a_stranger_took_is_told_and_the_others_are_there(program: Client, connection: redis.Redis) -> None:
    connection.set(keys.leases(QUEUE), "rubbish")
    connection.set(keys.counts("email-sync"), "rubbish")
    found = scrape(program)
    assert {name: found["queues_readable", name] for name in (QUEUE, "email-sync", "embeddings")} == {
        QUEUE: 0,
        "email-sync": 0,
        "embeddings": 1,
    }
    assert ("rq_jobs", "embeddings", "queued") in found and ("rq_jobs", QUEUE, "queued") not in found


def test_a_scrape_is_two_round_trips_and_writes_nothing(program: Client, connection: redis.Redis, start_worker: StartWorker) -> None:
    start_worker(QUEUE)
    wait_until(lambda: scrape(program).get(("queues_workers", QUEUE)))
    pause_queue(QUEUE)
    add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(100)])
    jobs = connection.keys("rq:job:*")
    before = {key: connection.dump(key) for key in jobs}
    read_server(connection, [QUEUE, "embeddings"])
    with round_trips() as trips:
        read_server(connection, [QUEUE, "embeddings"])
    assert len(trips) == 2
    with round_trips() as trips:
        scrape(program)
    assert len(trips) == 3  # and whether a provider is in trouble
    assert {key: connection.dump(key) for key in connection.keys("rq:job:*")} == before


def test_a_redis_that_forgot_the_script_is_told_it(connection: redis.Redis) -> None:
    connection.script_flush()
    reading = read_server(connection, [QUEUE])
    assert reading.queues[QUEUE] is not None
    assert connection.script_exists(scripts.stats.sha) == [True]
