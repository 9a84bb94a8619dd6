from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from theo.context.models.entity import Entity


class Place(Entity):
    class Type(models.TextChoices):
        HOME = "home"
        OFFICE = "office"
        RESTAURANT = "restaurant"
        VENUE = "venue"
        LOCATION = "location"

    name = models.CharField(max_length=255)
    type = models.CharField(max_length=20, choices=Type, default=Type.LOCATION)
    address = models.CharField(max_length=500, blank=True)
    city = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=255, blank=True)
    latitude = models.FloatField(null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)])
    longitude = models.FloatField(null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)])
    timezone = models.CharField(max_length=64, blank=True, help_text="Such as Europe/Budapest.")

    class Meta(Entity.Meta):
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["user", "name"]), models.Index(fields=["user", "country", "city"])]
        constraints = [
            *Entity.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(latitude__isnull=True) | models.Q(latitude__range=(-90, 90)),
                name="context_place_latitude_range",
                violation_error_message="Latitude goes from -90 to 90.",
            ),
            models.CheckConstraint(
                condition=models.Q(longitude__isnull=True) | models.Q(longitude__range=(-180, 180)),
                name="context_place_longitude_range",
                violation_error_message="Longitude goes from -180 to 180.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
