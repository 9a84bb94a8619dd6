from django.apps import AppConfig


class ContextConfig(AppConfig):
    name = "theo.context"
    verbose_name = "What you know"
