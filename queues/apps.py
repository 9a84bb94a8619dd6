from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class QueuesConfig(AppConfig):
    name = "queues"

    def ready(self) -> None:
        from queues import checks  # noqa: F401
        from queues.conf import settings

        autodiscover_modules("jobs")
        if settings.serves_tasks:
            from queues.tasks.definition import discover

            discover()
