"""How quick the queues are: adding and processing, with stock RQ's SimpleWorker in the same run."""

import statistics
import time
from collections.abc import Callable

from benchmarks.server import private_redis

QUEUE = "notifications"
ROUNDS = 3
OURS, STOCK = 20_000, 1_000


def main() -> None:
    with private_redis():
        measure()


def measure() -> None:
    from benchmarks.jobs import noop, stock_noop
    from queues import add_jobs, get_queue

    connection = get_queue(QUEUE).connection

    def add() -> float:
        connection.flushdb()
        started = time.perf_counter()
        for start in range(0, OURS, 1000):
            add_jobs(QUEUE, [("noop", {"n": number}) for number in range(start, start + 1000)])
        return OURS / (time.perf_counter() - started)

    def add_one_by_one() -> float:
        connection.flushdb()
        started = time.perf_counter()
        for number in range(2000):
            noop.enqueue(n=number)
        return 2000 / (time.perf_counter() - started)

    def work() -> float:
        add()
        return OURS / drain(lambda: worker("queues.worker.ConcurrentWorker"), OURS)

    def work_for_owners() -> float:
        connection.flushdb()
        for _ in range(0, OURS, 1000):
            add_jobs(QUEUE, [("noop-of-owner", {"owner": number % 100}) for number in range(1000)])
        return OURS / drain(lambda: worker("queues.worker.ConcurrentWorker"), OURS)

    def stock() -> float:
        import rq

        connection.flushdb()
        queue = rq.Queue(QUEUE, connection=connection, serializer="rq.serializers.JSONSerializer")
        queue.enqueue_many([rq.Queue.prepare_data(stock_noop, kwargs={"n": number}) for number in range(STOCK)])
        return STOCK / drain(lambda: worker("rq.SimpleWorker"), STOCK)

    show("add_jobs, 1,000 a call", add)
    show("enqueue, one by one", add_one_by_one)
    show("process, one worker, 5 threads", work)
    show("the same, jobs of 100 owners", work_for_owners)
    show("process, stock rq.SimpleWorker", stock)


def worker(worker_class: str) -> None:
    from django_rq import get_worker

    get_worker(QUEUE, worker_class=worker_class, serializer="rq.serializers.JSONSerializer").work(burst=True, logging_level="ERROR")


def drain(run: Callable[[], None], count: int) -> float:
    """Seconds from the first to the last run of a job: without the start and the end of the worker."""
    from benchmarks import jobs

    jobs.times.clear()
    run()
    assert len(jobs.times) == count, f"{len(jobs.times)} of {count} jobs were run"
    return max(jobs.times) - min(jobs.times)


def show(name: str, measure: Callable[[], float]) -> None:
    rates = sorted(measure() for _ in range(ROUNDS))
    print(f"{name:34} {statistics.median(rates):>10,.0f} a second   ({rates[0]:,.0f} to {rates[-1]:,.0f})")


if __name__ == "__main__":
    main()
