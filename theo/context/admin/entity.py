from django.contrib import admin
from django.db import models

from embeddings.admin import EmbeddedAdmin
from queues.admin.lists import PatientList
from theo.context.admin.trash import TrashAdmin, TrashFilter


class EntityAdmin(EmbeddedAdmin, TrashAdmin, PatientList):
    """What the pages of all entities share. `own_fields` are the entity's, `own_filters` follow those of trash and owner."""

    own_fields: tuple = ()
    own_filters: tuple = ()
    own_related: tuple[str, ...] = ()

    list_per_page = 50
    readonly_fields = ("source_synced_at", "created_at", "updated_at", "deleted_at")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def get_autocomplete_fields(self, request):
        return ("user", *self.own_related)

    def get_list_select_related(self, request):
        return ("user", *self.own_related)

    def get_list_filter(self, request):
        return (TrashFilter, *self.own_filters, ("user", admin.RelatedOnlyFieldListFilter), "source")

    def get_fieldsets(self, request, obj=None):
        return [
            (None, {"fields": ("user", *self.own_fields, "tags")}),
            ("Origin", {"classes": ["collapse"], "fields": ("source", "source_id", "source_synced_at", "metadata")}),
            ("Record", {"classes": ["collapse"], "fields": ("created_at", "updated_at", "deleted_at")}),
            *self.embedding_fieldsets(request, obj),
        ]

    def get_changeform_initial_data(self, request):
        return {"user": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_search_results(self, request, queryset, search_term):
        queryset, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if request.resolver_match.url_name == "autocomplete":  # nobody picks something from the trash
            queryset = queryset.alive()
        return queryset, may_have_duplicates
