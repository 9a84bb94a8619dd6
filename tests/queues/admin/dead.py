"""Many dead letters, made quickly by the real scripts."""

from queues import add_jobs, get_queue
from tests.testapp.jobs import QUEUE


def dead_jobs(count: int, *, name: str = "greet") -> list[str]:
    """Ids, the oldest first. More than a queue keeps by itself."""
    jobs = add_jobs(QUEUE, [(name, {"name": f"n{number}"}) for number in range(count)], keep_failed=100_000)
    ids = [job.id for job in jobs]
    get_queue(QUEUE).cancel_many(ids)
    return ids
