from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class QueuesConfig(AppConfig):
    name = "queues"

    def ready(self) -> None:
        from queues import checks, permissions, signals  # noqa: F401
        from queues.conf import settings
        from queues.operations import alerts, bulk, bulk_dead_letters, cleanup, left_to_a_job, probe

        post_migrate.connect(permissions.create_groups, sender=self, dispatch_uid="queues.groups")
        signals.dead.connect(alerts.alert, dispatch_uid="queues.alert")
        cleanup.register()
        left_to_a_job.register(bulk.BULK_JOBS, bulk.bulk_jobs)
        left_to_a_job.register(bulk_dead_letters.BULK_DEAD_LETTERS, bulk_dead_letters.bulk_dead_letters)
        probe.register()
        autodiscover_modules("jobs")
        if settings.serves_tasks:
            from queues.tasks.definition import discover

            discover()
