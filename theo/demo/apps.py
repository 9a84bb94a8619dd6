from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "theo.demo"
