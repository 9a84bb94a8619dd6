"""Settings of a project with a Redis URL that is none."""

from tests.settings import *  # noqa: F403
from tests.settings import RQ_QUEUES

RQ_QUEUES = {name: {**entry, "URL": "rdis://user:secret@127.0.0.1/0"} for name, entry in RQ_QUEUES.items()}
