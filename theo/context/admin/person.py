from django.contrib import admin

from theo.context.admin.entity import EntityAdmin
from theo.context.models import Person


@admin.register(Person)
class PersonAdmin(EntityAdmin):
    own_fields = ("name", ("email", "phone"), ("type", "importance"), ("company", "title"), "notes")
    own_filters = ("type", "importance")
    list_display = ("name", "user", "type", "company", "title", "email", "importance", "updated_at")
    search_fields = ("name", "email", "company", "title", "notes")
    search_help_text = "Name, e-mail, company, title or notes."
    date_hierarchy = "created_at"
