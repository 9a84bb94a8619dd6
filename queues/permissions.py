"""Who may do what with the queues: permissions of the model Queue, and the two groups that ship with them."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps

VIEW = "queues.view_queue"
"""See all pages and read the endpoints."""
CHANGE = "queues.change_queue"
"""Retry and promote jobs, run, disable and enable schedules."""
ADD = "queues.add_job"
"""Add jobs, also as a retry with a changed payload."""
CANCEL = "queues.cancel_job"
"""Cancel jobs that wait or run."""
REMOVE = "queues.remove_job"
"""Remove jobs, clean and drain queues."""
PAUSE = "queues.pause_queue"
"""Pause and resume queues and workers, stop workers."""

GROUPS: dict[str, tuple[str, ...]] = {
    "queue viewers": (VIEW,),
    "queue operators": (VIEW, CHANGE, ADD, CANCEL, REMOVE, PAUSE),
}


def extend_groups(*, viewers: tuple[str, ...], operators: tuple[str, ...]) -> None:
    """What another app's pages need, called when that app is ready: both groups are made with it."""
    GROUPS["queue viewers"] += viewers
    GROUPS["queue operators"] += operators


def create_groups(app_config: AppConfig, using: str, **options: Any) -> None:
    """Creates the groups that are not there, after `migrate`. One that is there is its owner's: nothing in it is touched."""
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission
    from django.db import router
    from django.db.models import Value
    from django.db.models.functions import Concat

    if not apps.is_installed("django.contrib.auth") or not router.allow_migrate_model(using, Group):
        return
    for label in {permission.partition(".")[0] for permissions in GROUPS.values() for permission in permissions}:
        create_permissions(apps.get_app_config(label), using=using, verbosity=0)  # which may be connected after us
    for name, permissions in GROUPS.items():
        group, is_new = Group.objects.using(using).get_or_create(name=name)
        if is_new:
            label_and_codename = Concat("content_type__app_label", Value("."), "codename")
            group.permissions.add(
                *Permission.objects.using(using).alias(name_in_code=label_and_codename).filter(name_in_code__in=permissions)
            )
