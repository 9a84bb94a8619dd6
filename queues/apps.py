from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class QueuesConfig(AppConfig):
    name = "queues"

    def ready(self) -> None:
        from queues import checks, signals  # noqa: F401
        from queues.conf import settings
        from queues.operations import alerts, cleanup, probe

        signals.dead.connect(alerts.alert, dispatch_uid="queues.alert")
        cleanup.register()
        probe.register()
        autodiscover_modules("jobs")
        if settings.serves_tasks:
            from queues.tasks.definition import discover

            discover()
