from django.contrib import admin

from theo.context.admin.entity import EntityAdmin
from theo.context.models import Place


@admin.register(Place)
class PlaceAdmin(EntityAdmin):
    own_fields = ("name", "type", "address", ("city", "state", "country"), ("latitude", "longitude", "timezone"))
    own_filters = ("type",)
    list_display = ("name", "user", "type", "address", "city", "country", "updated_at")
    search_fields = ("name", "address", "city", "state", "country")
    search_help_text = "Name, address, city, state or country."
    date_hierarchy = "created_at"
