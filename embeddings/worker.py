"""A worker of the embeddings queue inside this process."""

from __future__ import annotations

import threading

from embeddings.names import EMBEDDINGS
from queues import Worker, register_worker

_lock = threading.Lock()
_worker: Worker | None = None


def initialize_embedding_worker(concurrency: int | None = None) -> Worker:
    """Starts a worker of the embeddings queue in threads of this process, and returns it; called again, returns the one that runs.

    For development servers and tests; in production `manage.py rqworker embeddings` runs in processes of its own. It ends with
    the process, or by `close()`. `concurrency` (jobs at once) is the queue's own by default.
    Raises ValueError, RedisUnavailable, and AlreadyRegistered where `queues.register_worker` started one of this queue.
    """
    global _worker
    with _lock:
        if _worker is None or not _worker.is_running:
            _worker = register_worker(EMBEDDINGS, concurrency=concurrency)
        return _worker
