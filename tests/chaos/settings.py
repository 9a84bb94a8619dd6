"""The tests' settings for workers in a hurry: short leases, so that what a killed worker held is soon taken back."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, RQ_QUEUES

INSTALLED_APPS = ["tests.chaos", *INSTALLED_APPS]
RQ_QUEUES = {name: {**queue, "KEEP_COMPLETED": 100_000, "KEEP_FAILED": 100_000} for name, queue in RQ_QUEUES.items()}
QUEUES_LEASE_SECONDS = 3
QUEUES_POLL_SECONDS = 1
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "ERROR"},
}
