from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from theo.context.models.entity import Entity, check_same_owner
from theo.context.models.event import Event
from theo.context.models.task import Task


class Deadline(Entity):
    class Type(models.TextChoices):
        DEADLINE = "deadline"
        MILESTONE = "milestone"
        REMINDER = "reminder"

    class Status(models.TextChoices):
        PENDING = "pending"
        COMPLETED = "completed"
        MISSED = "missed"
        EXTENDED = "extended"

    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    type = models.CharField(max_length=20, choices=Type, default=Type.DEADLINE)
    due_at = models.DateTimeField()
    reminder_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    importance = models.PositiveSmallIntegerField(default=5, validators=[MinValueValidator(1), MaxValueValidator(10)], help_text="1 to 10")
    consequences = models.TextField(blank=True, help_text="What happens if it is missed.")
    task = models.ForeignKey(Task, on_delete=models.SET_NULL, null=True, blank=True)
    event = models.ForeignKey(Event, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta(Entity.Meta):
        ordering = ["due_at", "pk"]
        indexes = [models.Index(fields=["user", "status", "due_at"])]
        constraints = [
            *Entity.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(importance__range=(1, 10)),
                name="context_deadline_importance_range",
                violation_error_message="Importance goes from 1 to 10.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        super().clean()
        check_same_owner(self, "task", "event")
        if self.reminder_at and self.due_at and self.reminder_at > self.due_at:
            raise ValidationError({"reminder_at": "A reminder after the deadline helps nobody."})
