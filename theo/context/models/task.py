from django.core.exceptions import ValidationError
from django.db import models

from theo.context.models.entity import Entity, check_same_owner
from theo.context.models.person import Person


class Task(Entity):
    class Status(models.TextChoices):
        PENDING = "pending"
        IN_PROGRESS = "in_progress"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        DEFERRED = "deferred"

    class Priority(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"
        URGENT = "urgent"

    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="subtasks")
    position = models.PositiveIntegerField(default=0, help_text="Order among its siblings.")
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    priority = models.CharField(max_length=20, choices=Priority, default=Priority.MEDIUM)
    due_date = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    estimated_minutes = models.PositiveIntegerField(null=True, blank=True)
    actual_minutes = models.PositiveIntegerField(null=True, blank=True)
    assigned_to = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="tasks")

    class Meta(Entity.Meta):
        ordering = ["position", "pk"]
        indexes = [models.Index(fields=["user", "status", "due_date"])]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        super().clean()
        check_same_owner(self, "parent", "assigned_to")
        if self._is_own_ancestor():
            raise ValidationError({"parent": "A task cannot be part of itself."})

    def _is_own_ancestor(self) -> bool:
        seen: set[int] = set()  # ends the walk even on a circle that is in the database already
        ancestor = self.parent
        while self.pk and ancestor and ancestor.pk not in seen:
            if ancestor.pk == self.pk:
                return True
            seen.add(ancestor.pk)
            ancestor = ancestor.parent
        return False
