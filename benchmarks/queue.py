"""How quick the queues are: adding and processing, with stock RQ's SimpleWorker in the same run."""

import statistics
import time
from collections.abc import Callable

from benchmarks.server import QUEUE, private_redis, server

ROUNDS = 3
OURS, ONE_BY_ONE, STOCK = 20_000, 2_000, 1_000
PART = 1000
OWNERS = 100
OUR_WORKER, STOCK_WORKER = "queues.worker.ConcurrentWorker", "rq.SimpleWorker"
SERIALIZER = "rq.serializers.JSONSerializer"


def main() -> None:
    with private_redis():
        show("add_jobs, 1,000 a call", add)
        show("enqueue, one by one", add_one_by_one)
        show("process, one worker, 5 threads", work)
        show("the same, jobs of 100 owners", work_for_owners)
        show("process, stock rq.SimpleWorker", work_as_stock)


def add() -> float:
    """Jobs a second, as all of these."""
    from queues import add_jobs

    server().flushdb()
    started = time.perf_counter()
    for start in range(0, OURS, PART):
        add_jobs(QUEUE, [("noop", {"n": number}) for number in range(start, start + PART)])
    return OURS / (time.perf_counter() - started)


def add_one_by_one() -> float:
    from benchmarks.jobs import noop

    server().flushdb()
    started = time.perf_counter()
    for number in range(ONE_BY_ONE):
        noop.enqueue(n=number)
    return ONE_BY_ONE / (time.perf_counter() - started)


def work() -> float:
    add()
    return OURS / drain(OUR_WORKER, OURS)


def work_for_owners() -> float:
    from queues import add_jobs

    server().flushdb()
    for _ in range(0, OURS, PART):
        add_jobs(QUEUE, [("noop-of-owner", {"owner": number % OWNERS}) for number in range(PART)])
    return OURS / drain(OUR_WORKER, OURS)


def work_as_stock() -> float:
    import rq

    from benchmarks.jobs import stock_noop

    server().flushdb()
    queue = rq.Queue(QUEUE, connection=server(), serializer=SERIALIZER)
    queue.enqueue_many([rq.Queue.prepare_data(stock_noop, kwargs={"n": number}) for number in range(STOCK)])
    return STOCK / drain(STOCK_WORKER, STOCK)


def drain(worker_class: str, count: int) -> float:
    """Seconds from the first to the last run of a job: without the start and the end of the worker."""
    from django_rq import get_worker

    from benchmarks import jobs

    jobs.times.clear()
    get_worker(QUEUE, worker_class=worker_class, serializer=SERIALIZER).work(burst=True, logging_level="ERROR")
    assert len(jobs.times) == count, f"{len(jobs.times)} of {count} jobs were run"
    return max(jobs.times) - min(jobs.times)


def show(name: str, measure: Callable[[], float]) -> None:
    rates = sorted(measure() for _ in range(ROUNDS))
    print(f"{name:34} {statistics.median(rates):>10,.0f} a second   ({rates[0]:,.0f} to {rates[-1]:,.0f})")


if __name__ == "__main__":
    main()
