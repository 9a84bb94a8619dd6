"""The tables, to look at. Nothing here is edited by hand."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest

from embeddings.models import DirtyEntity, Embedding, EmbeddingModel, EmbeddingState, EmbeddingUsage, FanOut, SyncProgress
from queues.admin.lists import PatientList


class ReadOnlyAdmin(PatientList):
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NamedValuesFilter(admin.AllValuesFieldListFilter):
    """No link without words for those whose field is empty."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or self.empty_value_display}


@admin.register(EmbeddingModel)
class EmbeddingModelAdmin(ReadOnlyAdmin):
    list_display = ("name", "provider", "dimensions", "min_similarity", "status", "provider_state", "created_at")

    @admin.display(description="provider's state")
    def provider_state(self, model: EmbeddingModel) -> str:
        """As of the last request that any worker made."""
        return "" if model.status == EmbeddingModel.Status.RETIRED else str(model.provider_state)


@admin.register(DirtyEntity)
class DirtyEntityAdmin(ReadOnlyAdmin):
    list_display = ("entity_type", "entity_id", "version", "dirtied_at", "enqueued_at", "parked_at", "parked_reason")
    list_filter = ("entity_type", ("parked_reason", admin.EmptyFieldListFilter))
    search_fields = ("=entity_id", "parked_reason")


@admin.register(FanOut)
class FanOutAdmin(ReadOnlyAdmin):
    list_display = ("entity_type", "path", "related_id", "version", "dirtied_at", "enqueued_at", "parked_at", "parked_reason")
    list_filter = ("entity_type", ("parked_reason", admin.EmptyFieldListFilter))
    search_fields = ("=related_id", "parked_reason")


@admin.register(EmbeddingUsage)
class EmbeddingUsageAdmin(ReadOnlyAdmin):
    list_display = ("day", "provider", "model", "owner_id", "requests", "tokens")
    list_filter = ("provider", "model")
    search_fields = ("=owner_id",)
    ordering = ("-day", "-tokens")


@admin.register(SyncProgress)
class SyncProgressAdmin(ReadOnlyAdmin):
    list_display = ("entity_type", "kind", "position", "checked", "found", "started_at", "finished_at")
    list_filter = ("kind",)


@admin.register(EmbeddingState)
class EmbeddingStateAdmin(ReadOnlyAdmin):
    list_display = ("entity_type", "entity_id", "status", "owner_id", "version", "chunks", "tokens", "updated_at", "error_class")
    list_filter = ("entity_type", "status", ("error_class", NamedValuesFilter), "model")
    search_fields = ("=entity_id",)


@admin.register(Embedding)
class EmbeddingAdmin(ReadOnlyAdmin):
    list_display = ("entity_type", "entity_id", "chunk_index", "user", "content")
    list_filter = ("entity_type", "model")
    list_select_related = ("user",)
    search_fields = ("=entity_id", "content")
    exclude = ("embedding",)
