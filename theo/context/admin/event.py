from django.contrib import admin

from theo.context.admin.entity import EntityAdmin
from theo.context.models import Event


@admin.register(Event)
class EventAdmin(EntityAdmin):
    own_fields = (
        *("title", "description", ("type", "status", "visibility"), ("starts_at", "ends_at", "all_day")),
        *("place", "location", "virtual_url"),
    )
    own_filters = ("type", "status", "starts_at")
    own_related = ("place",)
    list_display = ("title", "user", "type", "starts_at", "ends_at", "place", "status", "updated_at")
    search_fields = ("title", "description", "location", "place__name")
    search_help_text = "Title, description, location or place."
    date_hierarchy = "starts_at"
