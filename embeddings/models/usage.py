"""What was sent to providers: their own count of tokens, by day and owner."""

from __future__ import annotations

from django.db import models


class EmbeddingUsage(models.Model):
    """A day's requests (UTC) of one owner to one model. A request for several owners counts for each of them, its tokens are divided."""

    day = models.DateField()
    provider = models.CharField(max_length=50)
    model = models.CharField(max_length=200)
    owner_id = models.CharField(max_length=255, blank=True, default="")
    requests = models.PositiveBigIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "embedding usage"
        constraints = [models.UniqueConstraint(fields=["day", "provider", "model", "owner_id"], name="embeddings_usage_unique")]

    def __str__(self) -> str:
        return f"{self.day}: {self.tokens} tokens at {self.provider} {self.model} for owner {self.owner_id}"
