"""No table: queues live in Redis. What the database holds is who may see and steer them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class NoRows(models.Manager["Queue"]):
    """Answers every query with nothing, so that `dumpdata` and the like find no missing table."""

    def get_queryset(self) -> models.QuerySet[Queue]:
        return super().get_queryset().none()


class Queue(models.Model):
    """Carries the permissions view_queue and change_queue, and the place of the pages in the admin."""

    name = models.CharField(primary_key=True, max_length=200)

    objects = NoRows()

    class Meta:
        managed = False
        default_permissions = ("view", "change")
        verbose_name = _("queue")
        verbose_name_plural = _("queues")

    def __str__(self) -> str:
        return self.name
