"""The tests' settings for workers in a hurry: short leases, so that what a killed worker held is soon taken back, and a sweep every second.

The environment of a worker process may choose its provider (CHAOS_PROVIDER), who captures changes (CHAOS_SIGNALS), and what its
clock says (CHAOS_CLOCK_SECONDS off).
"""

import os
from datetime import UTC, datetime, timedelta

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, RQ_QUEUES

INSTALLED_APPS = ["tests.chaos", *INSTALLED_APPS]
RQ_QUEUES = {name: {**queue, "KEEP_COMPLETED": 100_000, "KEEP_FAILED": 100_000} for name, queue in RQ_QUEUES.items()}
QUEUES_LEASE_SECONDS = 3
QUEUES_POLL_SECONDS = 1
EMBEDDINGS_SWEEP_SECONDS = 1
EMBEDDINGS_SWEEP_AGE_SECONDS = 2
EMBEDDINGS_PROVIDER = os.environ.get("CHAOS_PROVIDER", "fake")
EMBEDDINGS_SIGNALS = os.environ.get("CHAOS_SIGNALS", "1") == "1"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": os.environ.get("CHAOS_LOG_LEVEL", "ERROR")},
}

if seconds := float(os.environ.get("CHAOS_CLOCK_SECONDS", "0")):
    import time_machine

    time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True).start()
