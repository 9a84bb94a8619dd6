"""What all entities share: an owner, where they came from, tags, and a trash that can be emptied or undone."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone


class EntityQuerySet(models.QuerySet):
    def alive(self) -> Self:
        return self.filter(deleted_at__isnull=True)

    def deleted(self) -> Self:
        return self.filter(deleted_at__isnull=False)

    def owned_by(self, user) -> Self:
        return self.filter(user=user)


class Entity(models.Model):
    """Base of everything Theo knows. Rows are moved to the trash (`deleted_at`), not deleted; queries are by owner."""

    # No index of its own: every entity has composite ones that begin with the owner.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, verbose_name="owner")
    source = models.CharField(max_length=50, default="manual", help_text="Where it came from: manual, gmail, ...")
    source_id = models.CharField(max_length=255, blank=True, help_text="Its id there.")
    source_synced_at = models.DateTimeField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    tags = ArrayField(models.CharField(max_length=50), default=list, blank=True, help_text="Separated by commas.")
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = EntityQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            # Trashed rows count: a sync that meets the id again finds the trashed row and leaves it there,
            # instead of bringing back under a new id what its owner threw away.
            models.UniqueConstraint(
                fields=["user", "source", "source_id"],
                condition=~models.Q(source_id=""),
                name="%(app_label)s_%(class)s_source_unique",
                violation_error_message="The owner already has an entry with this source and source id (perhaps in the trash).",
            ),
        ]

    def validate_constraints(self, exclude=None) -> None:
        # Django passes over constraints on what a form does not show; `deleted_at` never is in one, and is known all the same.
        super().validate_constraints(exclude=set(exclude or ()) - {"deleted_at"})

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    def soft_delete(self) -> None:
        """Move to the trash. Saved through save(), so that signals tell the search index. Safe to repeat."""
        if self.is_deleted:
            return
        self.deleted_at = timezone.now()
        self.save(update_fields=["deleted_at", "updated_at"])

    def restore(self) -> None:
        """Bring back from the trash. ValidationError if a living row has taken its place meanwhile. Safe to repeat."""
        if not self.is_deleted:
            return
        trashed_at, self.deleted_at = self.deleted_at, None
        try:
            self.validate_constraints()
            with transaction.atomic():
                self.save(update_fields=["deleted_at", "updated_at"])
        except (ValidationError, IntegrityError) as error:
            self.deleted_at = trashed_at
            if isinstance(error, IntegrityError):  # another transaction was quicker than the validation
                raise ValidationError("Another entry has taken its place meanwhile.") from error
            raise


def check_same_owner(entity: Entity, *related_fields: str) -> None:
    """Raise ValidationError, by field, for each related row that belongs to somebody else than `entity`."""
    errors = {}
    for field in related_fields:
        related = getattr(entity, field)
        if related is not None and entity.user_id is not None and related.user_id != entity.user_id:
            errors[field] = f"This {related._meta.verbose_name} belongs to another user."
    if errors:
        raise ValidationError(errors)
