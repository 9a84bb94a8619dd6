"""No tables: queues live in Redis. What the database holds is who may see and steer them, and who did."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class NoRows(models.Manager[Any]):
    """Answers every query with nothing, so that `dumpdata`, the admin's "view on site" and the like find no missing table."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().none()


class InRedis(models.Model):
    """What has pages in the admin, an identity in its log, and no table."""

    name = models.CharField(primary_key=True, max_length=200)

    objects = NoRows()

    class Meta:
        abstract = True
        managed = False
        default_permissions = ()
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.name


class Queue(InRedis):
    """Carries all permissions: see queues.permissions."""

    class Meta(InRedis.Meta):
        default_permissions = ("view", "change")  # type: ignore[assignment]
        permissions = [
            ("add_job", _("Can add jobs")),
            ("cancel_job", _("Can cancel jobs")),
            ("remove_job", _("Can remove jobs")),
            ("pause_queue", _("Can pause queues and workers")),
        ]
        verbose_name = _("queue")
        verbose_name_plural = _("queues")


class Job(InRedis):
    """By its id."""

    class Meta(InRedis.Meta):
        verbose_name = _("job")
        verbose_name_plural = _("jobs")


class Worker(InRedis):
    class Meta(InRedis.Meta):
        verbose_name = _("worker")
        verbose_name_plural = _("workers")


class Schedule(InRedis):
    class Meta(InRedis.Meta):
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")


class DeadLetter(InRedis):
    """A group of failed jobs, of one error class and job name."""

    class Meta(InRedis.Meta):
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")


class AuditEntry(models.Model):
    """A row of the admin's log, as the audit page reads it. The table is the admin's: nothing here writes it."""

    action_time = models.DateTimeField(_("time"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.DO_NOTHING, verbose_name=_("user"), related_name="+")
    content_type = models.ForeignKey("contenttypes.ContentType", models.DO_NOTHING, null=True, verbose_name=_("about"), related_name="+")
    object_id = models.TextField(_("object"), null=True)  # noqa: DJ001  # as the admin has it
    object_repr = models.CharField(_("object"), max_length=200)
    action_flag = models.PositiveSmallIntegerField(_("kind"))
    change_message = models.TextField(_("what was done"))

    class Meta:
        managed = False
        default_permissions = ()
        db_table = "django_admin_log"
        ordering = ["-action_time"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")

    def __str__(self) -> str:
        return self.change_message
