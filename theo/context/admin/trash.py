"""The trash in the admin: what is in it, how an entry gets there, and how it comes back."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import ngettext


class TrashFilter(admin.SimpleListFilter):
    """What is in use, unless asked for the trash or for both."""

    title = "trash"
    parameter_name = "trash"

    def lookups(self, request, model_admin):
        return [("no", "In use"), ("yes", "In the trash"), ("all", "All")]

    def queryset(self, request, queryset):
        if self.value() == "all":
            return queryset
        return queryset.deleted() if self.value() == "yes" else queryset.alive()

    def choices(self, changelist):
        _, *choices = super().choices(changelist)  # without Django's own "All"
        chosen = self.value() if self.value() in ("yes", "all") else "no"
        for (value, _title), choice in zip(self.lookup_choices, choices, strict=True):
            yield {**choice, "selected": value == chosen}


class TrashAdmin(admin.ModelAdmin):
    """Everybody who may change an entry may trash and restore it; only a superuser deletes it for good."""

    actions = ["move_to_trash", "restore"]

    def has_delete_permission(self, request: HttpRequest, obj=None) -> bool:
        return request.user.is_superuser and super().has_delete_permission(request, obj)

    @admin.action(description="Move to trash", permissions=["change"])
    def move_to_trash(self, request: HttpRequest, queryset) -> None:
        with transaction.atomic():  # one round trip to the queue for all of them
            for entity in (trashed := list(queryset.alive())):
                self._trash(request, entity)
        message = ngettext("%d entry is in the trash now.", "%d entries are in the trash now.", len(trashed))
        self.message_user(request, message % len(trashed), messages.SUCCESS)

    @admin.action(description="Restore from trash", permissions=["change"])
    def restore(self, request: HttpRequest, queryset) -> None:
        with transaction.atomic():
            restored = sum(self._restore(request, entity) for entity in list(queryset.deleted()))
        message = ngettext("%d entry is back.", "%d entries are back.", restored)
        self.message_user(request, message % restored, messages.SUCCESS if restored else messages.WARNING)

    def get_urls(self):
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/trash/", view(self.trash_view), name=f"{name}_trash"),
            path("<path:object_id>/restore/", view(self.restore_view), name=f"{name}_restore"),
            *super().get_urls(),
        ]

    def trash_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        entity = self._get_changeable(request, object_id)
        self._trash(request, entity)
        self.message_user(request, f"{entity} is in the trash now.", messages.SUCCESS)
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        entity = self._get_changeable(request, object_id)
        if self._restore(request, entity):
            self.message_user(request, f"{entity} is back.", messages.SUCCESS)
        return redirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[entity.pk]))

    def _get_changeable(self, request: HttpRequest, object_id: str):
        entity = self.get_object(request, object_id)
        if entity is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        if not self.has_change_permission(request, entity):
            raise PermissionDenied
        return entity

    def _trash(self, request: HttpRequest, entity) -> None:
        entity.soft_delete()
        self.log_change(request, entity, "Moved to trash.")

    def _restore(self, request: HttpRequest, entity) -> bool:
        try:
            entity.restore()
        except ValidationError as error:
            self.message_user(request, f"{entity} stays in the trash: {' '.join(error.messages)}", messages.ERROR)
            return False
        self.log_change(request, entity, "Restored from trash.")
        return True
