from django.apps import AppConfig


class EmailSyncConfig(AppConfig):
    name = "theo.email_sync"
