"""The tests' settings for processes of their own: the test database alone, the other one exists in tests only."""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES = {"default": DATABASES["default"]}
