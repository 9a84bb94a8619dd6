from django.apps import AppConfig


class ContextConfig(AppConfig):
    name = "theo.context"
