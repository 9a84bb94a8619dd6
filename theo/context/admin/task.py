from django.contrib import admin

from theo.context.admin.entity import EntityAdmin
from theo.context.models import Task


@admin.register(Task)
class TaskAdmin(EntityAdmin):
    own_fields = (
        *("title", "description", ("status", "priority"), ("due_date", "completed_at"), "assigned_to"),
        *(("parent", "position"), ("estimated_minutes", "actual_minutes")),
    )
    own_filters = ("status", "priority", "due_date")
    own_related = ("parent", "assigned_to")
    list_display = ("title", "user", "status", "priority", "due_date", "assigned_to", "parent", "updated_at")
    search_fields = ("title", "description", "assigned_to__name")
    search_help_text = "Title, description or assignee."
    date_hierarchy = "due_date"
