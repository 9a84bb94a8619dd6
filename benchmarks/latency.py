"""How soon an idle worker, a process of its own, starts a job: one added now, one that is due, one after a pause."""

import statistics
import subprocess
import sys
import time

from benchmarks.server import QUEUE, private_redis, server

JOBS, DELAYED, PAUSES = 300, 200, 20


def main() -> None:
    with private_redis():
        from queues import get_workers

        worker = subprocess.Popen([sys.executable, "manage.py", "rqworker", QUEUE, "--verbosity", "0"], stderr=subprocess.DEVNULL)
        try:
            while not get_workers(QUEUE):
                time.sleep(0.05)
            time.sleep(1)
            show("idle worker, added to started", idle())
            show("delayed by 0.2 to 3.2 s, lateness", delayed())
            show("resume after a pause to started", resumed())
        finally:
            worker.terminate()
            worker.wait()


def idle() -> list[float]:
    from benchmarks.jobs import note_start

    for number in range(JOBS):
        note_start.enqueue(due=time.time())
        starts(number + 1)
        time.sleep(0.01)
    return starts(JOBS)


def delayed() -> list[float]:
    from benchmarks.jobs import note_start

    forget()
    for number in range(DELAYED):
        delay = 0.2 + 3 * number / DELAYED
        note_start.using(delay=delay).enqueue(due=time.time() + delay)
    return starts(DELAYED)


def resumed() -> list[float]:
    from benchmarks.jobs import note_start
    from queues import pause_queue, resume_queue

    forget()
    for number in range(PAUSES):
        pause_queue(QUEUE)
        note_start.enqueue(due=time.time() + 0.2)
        time.sleep(0.2)
        resume_queue(QUEUE)
        starts(number + 1)
    return starts(PAUSES)


def starts(count: int) -> list[float]:
    """How late each of so many jobs started, in milliseconds, once all have."""
    from benchmarks.jobs import LATE

    while server().llen(LATE) < count:
        time.sleep(0.002)
    return [float(seconds) * 1000 for seconds in server().lrange(LATE, 0, -1)]


def forget() -> None:
    from benchmarks.jobs import LATE

    server().delete(LATE)


def show(name: str, late: list[float]) -> None:
    cuts = statistics.quantiles(late, n=100)
    print(f"{name:36} p50 {cuts[49]:6.1f}   p95 {cuts[94]:6.1f}   max {max(late):6.1f}   min {min(late):6.1f} ms   ({len(late)} jobs)")


if __name__ == "__main__":
    main()
