from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class QueuesConfig(AppConfig):
    name = "queues"

    def ready(self) -> None:
        from queues import checks  # noqa: F401
        from queues.operations import cleanup

        cleanup.register()
        autodiscover_modules("jobs")
