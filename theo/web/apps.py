from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "theo.web"
