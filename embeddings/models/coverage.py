"""What a full count found: too slow for a page, so that pages show the last one and when it was made."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from embeddings.models.model import EmbeddingModel


class Coverage(models.Model):
    """The last count of one entity type in one model. `counts` are those of TypeReport by name."""

    entity_type = models.CharField(max_length=100)
    model = models.ForeignKey(EmbeddingModel, on_delete=models.CASCADE)
    counted_at = models.DateTimeField()
    counts = models.JSONField(default=dict)

    class Meta:
        default_permissions = ("view", "change")
        permissions = [("search_as_user", _("Can search as any user and see what that user finds"))]
        verbose_name = _("coverage")
        verbose_name_plural = _("coverage and search")
        constraints = [models.UniqueConstraint(fields=["entity_type", "model"], name="embeddings_coverage_unique")]

    def __str__(self) -> str:
        return f"{self.entity_type} in {self.model_id} at {self.counted_at}"
