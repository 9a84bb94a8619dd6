from django.contrib import admin

from theo.context.admin.entity import EntityAdmin
from theo.context.models import Deadline


@admin.register(Deadline)
class DeadlineAdmin(EntityAdmin):
    own_fields = (
        *("title", "description", ("type", "status", "importance"), ("due_at", "reminder_at")),
        *("consequences", "task", "event"),
    )
    own_filters = ("type", "status", "importance", "due_at")
    own_related = ("task", "event")
    list_display = ("title", "user", "type", "due_at", "status", "importance", "task", "event", "updated_at")
    search_fields = ("title", "description", "consequences", "task__title", "event__title")
    search_help_text = "Title, description, consequences, task or event."
    date_hierarchy = "due_at"
