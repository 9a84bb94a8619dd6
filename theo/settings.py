"""Theo's settings: everything that differs between machines comes from the environment (see .env.example)."""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from theo.embedded.paths import database_url, redis_url

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
THEO_EMBEDDED = env.bool("THEO_EMBEDDED", default=DEBUG)
THEO_DATA_DIR = BASE_DIR / env.str("THEO_DATA_DIR", default=".theo")


def _server_url(variable: str, embedded_url: str) -> str:
    url = env.str(variable, default="")
    if url:
        return url
    if THEO_EMBEDDED:
        return embedded_url
    raise ImproperlyConfigured(f"{variable} is not set. Set it, or set DEBUG=1 (or THEO_EMBEDDED=1) to use the embedded servers.")


REDIS_URL = _server_url("REDIS_URL", redis_url(THEO_DATA_DIR))
_DATABASE_URL = _server_url("DATABASE_URL", database_url(THEO_DATA_DIR))
if not _DATABASE_URL.startswith(("postgresql://", "postgres://")):
    raise ImproperlyConfigured("DATABASE_URL must begin with postgresql://.")
DATABASES = {"default": env.db_url_config(_DATABASE_URL)}
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# A host that drops packets is given up, instead of being waited for by the kernel's own limits: minutes to connect, hours for an answer.
# What the URL says goes before it.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    **DATABASES["default"].get("OPTIONS", {}),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SECRET_KEY = env.str("SECRET_KEY", default="insecure-development-key" if DEBUG else "")
if not SECRET_KEY:  # Django itself would start, and answer every request with 500
    raise ImproperlyConfigured("SECRET_KEY is not set. Set it to a long random text, or set DEBUG=1 on a development machine.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "theo.context",
    "theo.email_sync",
    "theo.notifications",
    "theo.web",
    "theo.demo",
    "embeddings",
    "queues",  # before django_rq: its rqworker replaces django_rq's
    "django_rq",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "theo.urls"
WSGI_APPLICATION = "theo.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"

SECURE_REDIRECT_EXEMPT = [r"^health/(live|ready)$"]  # balancers ask over plain http; nothing there is secret
if not DEBUG:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=3600)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_ALL", default=False)
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True

# Queues: names, connection and limits live here alone.
_QUEUE = {"URL": REDIS_URL, "SERIALIZER": "rq.serializers.JSONSerializer", "DEFAULT_TIMEOUT": 180}
RQ_QUEUES = {
    "embeddings": {**_QUEUE, "CONCURRENCY": 3},
    "email-sync": {**_QUEUE, "CONCURRENCY": 5},
    "notifications": {**_QUEUE, "CONCURRENCY": 5},
}
RQ = {
    "QUEUE_CLASS": "queues.store.rq_queue.RQQueue",
    "JOB_CLASS": "queues.store.rq_job.RQJob",
    "WORKER_CLASS": "queues.worker.ConcurrentWorker",
}
QUEUES_API_TOKENS = env.dict("QUEUES_API_TOKENS", default={})
RQ_SHOW_ADMIN_LINK = False  # django-rq's pages let any staff user empty queues; ours ask for permissions

# Embeddings: the active row of EmbeddingModel decides the model; these are credentials and the first model.
OPENAI_API_KEY = env.str("OPENAI_API_KEY", default="")
EMBEDDINGS_PROVIDER = env.str("EMBEDDINGS_PROVIDER", default="openai" if OPENAI_API_KEY else "local")
EMBEDDINGS_MODEL = env.str("EMBEDDINGS_MODEL", default="")
EMBEDDINGS_DIMENSIONS = env.int("EMBEDDINGS_DIMENSIONS", default=0)
EMBEDDINGS_OPENAI_API_KEY = OPENAI_API_KEY
EMBEDDINGS_OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="")
EMBEDDINGS_OPENAI_MAX_INPUTS = env.int("OPENAI_MAX_INPUTS", default=0)
EMBEDDINGS_OPENAI_MAX_INPUT_TOKENS = env.int("OPENAI_MAX_INPUT_TOKENS", default=0)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"httpx2": {"level": "WARNING"}},  # a line a request is too much
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
