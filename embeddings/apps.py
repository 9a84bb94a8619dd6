from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class EmbeddingsConfig(AppConfig):
    name = "embeddings"
    default_auto_field = "django.db.models.BigAutoField"

    def import_models(self) -> None:
        """Before any app is ready: the admin would meet models of an app that is not installed, and say nothing of the cause."""
        if not apps.is_installed("queues"):
            raise ImproperlyConfigured("'embeddings' needs 'queues' in INSTALLED_APPS: add \"queues\", \"django_rq\", in this order.")
        super().import_models()

    def ready(self) -> None:
        from embeddings import checks, permissions, readiness  # noqa: F401
        from embeddings.capture.receivers import signals
        from embeddings.capture.triggers import installation
        from embeddings.indexing import deaths
        from embeddings.registering.registry import registry
        from queues.api.prometheus.registry import register_collector
        from queues.api.readiness import register_check

        autodiscover_modules("embeddables")
        permissions.join_groups()
        signals.connect(registry)
        deaths.connect()
        register_check("pgvector", readiness.check_pgvector)
        register_collector("embeddings.metrics.EmbeddingsCollector")
        post_migrate.connect(installation.refresh, sender=self, dispatch_uid="embeddings.triggers")
