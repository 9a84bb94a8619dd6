from django.core.exceptions import ValidationError
from django.db import models

from theo.context.models.entity import Entity, check_same_owner
from theo.context.models.place import Place


class Event(Entity):
    class Type(models.TextChoices):
        MEETING = "meeting"
        CALL = "call"
        TRAVEL = "travel"
        DEADLINE = "deadline"

    class Status(models.TextChoices):
        TENTATIVE = "tentative"
        CONFIRMED = "confirmed"
        CANCELLED = "cancelled"

    class Visibility(models.TextChoices):
        DEFAULT = "default"
        PUBLIC = "public"
        PRIVATE = "private"

    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    type = models.CharField(max_length=20, choices=Type, default=Type.MEETING)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    all_day = models.BooleanField(default=False)
    location = models.CharField(max_length=500, blank=True, help_text="In words, where it is no place of yours.")
    place = models.ForeignKey(Place, on_delete=models.SET_NULL, null=True, blank=True)
    virtual_url = models.URLField(max_length=500, blank=True, verbose_name="virtual URL")
    status = models.CharField(max_length=20, choices=Status, default=Status.CONFIRMED)
    visibility = models.CharField(max_length=20, choices=Visibility, default=Visibility.DEFAULT)

    class Meta(Entity.Meta):
        ordering = ["-starts_at", "pk"]
        indexes = [models.Index(fields=["user", "starts_at"])]
        constraints = [
            *Entity.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True) | models.Q(ends_at__gte=models.F("starts_at")),
                name="context_event_ends_after_start",
                violation_error_message="An event cannot end before it starts.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        super().clean()
        check_same_owner(self, "place")
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            raise ValidationError({"ends_at": "An event cannot end before it starts."})
