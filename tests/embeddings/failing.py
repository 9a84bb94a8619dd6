"""What waits for its next attempt is made due, as waiting would."""

from queues import get_queue
from tests.embeddings.conftest import work


def promote_all() -> int:
    """Makes the delayed jobs due, as waiting would. Returns how many."""
    from queues.store import scripts

    queue = get_queue("embeddings")
    return int(scripts.promote(queue.connection, "embeddings", queue.job_ids("delayed")))


def work_to_the_end() -> None:
    while work() or promote_all():
        pass
