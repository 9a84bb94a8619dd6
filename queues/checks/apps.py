"""Whether django-rq builds our classes and runs our command, and whether its open admin pages are off."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.module_loading import import_string

from queues.conf import settings

CLASSES = {
    "QUEUE_CLASS": "queues.store.rq_queue.RQQueue",
    "JOB_CLASS": "queues.store.rq_job.RQJob",
    "WORKER_CLASS": "queues.worker.ConcurrentWorker",
}


@register
def check_apps(**kwargs: Any) -> list[CheckMessage]:
    return [*_order(), *_classes(), *_admin_pages()]


def _order() -> list[CheckMessage]:
    names = [config.name for config in apps.get_app_configs()]
    if "django_rq" in names and names.index("queues") < names.index("django_rq"):
        return []
    cause = "comes after" if "django_rq" in names else "needs"
    return [
        Error(
            f"'queues' {cause} 'django_rq' in INSTALLED_APPS.",
            hint="Put 'queues' above 'django_rq': Django takes the rqworker command of the first, and django-rq's cannot run our jobs.",
            id="queues.E001",
        )
    ]


def _classes() -> list[CheckMessage]:
    named = [(f"RQ[{option!r}]", option, settings.rq.get(option)) for option in CLASSES]
    named += [
        (f"RQ_QUEUES[{name!r}]['QUEUE_CLASS']", "QUEUE_CLASS", config["QUEUE_CLASS"])
        for name, config in settings.rq_queues.items()
        if isinstance(config, dict) and "QUEUE_CLASS" in config
    ]
    return [
        Error(
            f"{where} is {value!r}, which is not {CLASSES[option]}.", hint=f"Set it to {CLASSES[option]!r} or a subclass.", id="queues.E002"
        )
        for where, option, value in named
        if not _is_ours(value, CLASSES[option])
    ]


def _is_ours(value: Any, ours: str) -> bool:
    if value == ours:
        return True
    try:
        found = import_string(value) if isinstance(value, str) else value
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, import_string(ours))


def _admin_pages() -> list[CheckMessage]:
    if not settings.shows_rq_admin:
        return []
    return [
        Warning(
            "django-rq's own admin pages are on: any staff user, with or without permissions, can empty queues and delete jobs there.",
            hint="Set RQ_SHOW_ADMIN_LINK = False. The pages of 'queues' ask for view_queue and change_queue.",
            id="queues.W001",
        )
    ]
