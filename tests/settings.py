"""The project's settings under test: embedded servers of the tests' own, unless DATABASE_URL and REDIS_URL name others."""

import os
import sys

import django

import tests.environment  # noqa: F401  # first: theo's settings read it
from theo.settings import *  # noqa: F403
from theo.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE

DEBUG = False
if "pytest" in sys.modules:  # the processes that tests start refuse to start without a database that is named here
    DATABASES["other"] = {**DATABASES["default"], "NAME": "other"}
INSTALLED_APPS = ["tests.testapp", *INSTALLED_APPS]
if django.VERSION < (6,):
    INSTALLED_APPS.append("django_tasks")
TASKS = {
    "default": {"BACKEND": "queues.tasks.QueuesBackend", "QUEUES": ["notifications", "email-sync"]},
    "patient": {"BACKEND": "queues.tasks.QueuesBackend", "QUEUES": ["notifications"], "OPTIONS": {"attempts": 2, "timeout": 1}},
}
EMBEDDINGS_PROVIDER = "fake"
QUEUES_TEST_REDIS = True
QUEUES_POLL_SECONDS = int(os.environ.get("QUEUES_POLL_SECONDS", "5"))
QUEUES_LEASE_SECONDS = int(os.environ.get("QUEUES_LEASE_SECONDS", "30"))
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
SECURE_SSL_REDIRECT = False
MIDDLEWARE = ["tests.policy.content_security_policy", *MIDDLEWARE]
WHITENOISE_AUTOREFRESH = True  # no collectstatic before the tests
