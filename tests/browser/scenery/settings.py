"""Theo's settings with jobs to look at, and queues of which one is paused and nobody serves it."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["DEBUG"] = "1"
os.environ.setdefault("THEO_DATA_DIR", str(Path(__file__).resolve().parents[3] / ".theo" / "screenshots"))

from theo.settings import *  # noqa: F403
from theo.settings import _QUEUE, INSTALLED_APPS, MIDDLEWARE, RQ_QUEUES

ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["tests.browser.scenery", *INSTALLED_APPS]
MIDDLEWARE = ["tests.policy.content_security_policy", *MIDDLEWARE]
RQ_QUEUES = {**RQ_QUEUES, "imports": {**_QUEUE, "CONCURRENCY": 2}, "reports": {**_QUEUE, "CONCURRENCY": 1}}
QUEUES_SHUTDOWN_SECONDS = 1
QUEUES_ALERT = ""
