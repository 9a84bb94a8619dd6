from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class QueuesConfig(AppConfig):
    name = "queues"

    def ready(self) -> None:
        from queues import checks  # noqa: F401

        autodiscover_modules("jobs")
