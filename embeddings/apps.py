from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class EmbeddingsConfig(AppConfig):
    name = "embeddings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from embeddings import checks, metrics, readiness, setting_checks  # noqa: F401
        from embeddings.capture import installation, signals
        from embeddings.capture.registry import registry
        from embeddings.indexing import parking

        autodiscover_modules("embeddables")
        signals.connect(registry)
        parking.connect()
        metrics.connect()
        readiness.connect()
        post_migrate.connect(installation.refresh, sender=self, dispatch_uid="embeddings.triggers")
