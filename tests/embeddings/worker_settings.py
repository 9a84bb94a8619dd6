"""The tests' settings for worker processes: no second database, which only tests have, and a quick look at what is due."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES = {"default": DATABASES["default"]}
QUEUES_POLL_SECONDS = 1
