"""All that the two apps need. Servers and keys come from the environment."""

import os

from psycopg.conninfo import conninfo_to_dict

SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-trying-this-out")
INSTALLED_APPS = [
    "notes",
    "embeddings",
    "queues",  # before django_rq: its rqworker replaces django_rq's
    "django_rq",
    "django.contrib.auth",
    "django.contrib.contenttypes",
]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# PostgreSQL with the extension pgvector: postgresql://user:password@host/name
_database = conninfo_to_dict(os.environ["DATABASE_URL"])
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": _database.pop("dbname"), "OPTIONS": _database}}

# Redis or Valkey: redis://host:6379/0
RQ_QUEUES = {
    "embeddings": {"URL": os.environ["REDIS_URL"], "SERIALIZER": "rq.serializers.JSONSerializer", "CONCURRENCY": 3},
}
RQ = {
    "QUEUE_CLASS": "queues.store.rq_queue.RQQueue",
    "JOB_CLASS": "queues.store.rq_job.RQJob",
    "WORKER_CLASS": "queues.worker.ConcurrentWorker",
}
RQ_SHOW_ADMIN_LINK = False

# Without a key, vectors of words that two texts share: enough to see it work.
EMBEDDINGS_OPENAI_API_KEY = os.environ.get("OPENAI_API_KEY", "")
EMBEDDINGS_PROVIDER = "openai" if EMBEDDINGS_OPENAI_API_KEY else "fake"
