from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower

from theo.context.models.entity import Entity


class Person(Entity):
    class Type(models.TextChoices):
        CONTACT = "contact"
        COLLEAGUE = "colleague"
        FRIEND = "friend"
        FAMILY = "family"
        LEAD = "lead"

    name = models.CharField(max_length=255)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=50, blank=True)
    type = models.CharField(max_length=20, choices=Type, default=Type.CONTACT)
    importance = models.PositiveSmallIntegerField(default=5, validators=[MinValueValidator(1), MaxValueValidator(10)], help_text="1 to 10")
    company = models.CharField(max_length=255, blank=True)
    title = models.CharField(max_length=255, blank=True, help_text="What they do there.")
    notes = models.TextField(blank=True)

    class Meta(Entity.Meta):
        verbose_name_plural = "people"
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["user", "name"]), models.Index(fields=["user", "type"])]
        constraints = [
            *Entity.Meta.constraints,
            models.UniqueConstraint(
                "user",
                Lower("email"),
                condition=~models.Q(email="") & models.Q(deleted_at__isnull=True),
                name="context_person_email_unique",
                violation_error_message="The owner already has a person with this e-mail address.",
            ),
            models.CheckConstraint(
                condition=models.Q(importance__range=(1, 10)),
                name="context_person_importance_range",
                violation_error_message="Importance goes from 1 to 10.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
