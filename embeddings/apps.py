from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class EmbeddingsConfig(AppConfig):
    name = "embeddings"
    default_auto_field = "django.db.models.BigAutoField"

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
