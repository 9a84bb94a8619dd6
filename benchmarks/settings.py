"""The project's settings with the benchmark's job."""

import os

os.environ.setdefault("DEBUG", "1")

from theo.settings import *  # noqa: F403
from theo.settings import INSTALLED_APPS

DEBUG = False
INSTALLED_APPS = ["benchmarks", *INSTALLED_APPS]
