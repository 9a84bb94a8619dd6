"""A project whose workers know no probes, as those of an older version."""

from django.apps import AppConfig

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS


class Forgetful(AppConfig):
    name = "tests.queues.ticking"

    def ready(self) -> None:
        from queues.jobs.registry import registry

        for definition in registry:
            if definition.name.startswith("queue-probe-"):
                registry.unregister(definition.name)


INSTALLED_APPS = [*INSTALLED_APPS, "tests.queues.commands.older.Forgetful"]
