"""What the admin page of an entity shows of its embedding."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from embeddings import permissions
from embeddings.admin.entity_state import read_state
from embeddings.backfill.reindexing import reindex
from queues.admin.typed import ModelAdmin


class EmbeddedAdmin(ModelAdmin):
    """Of a registered model: `class NoteAdmin(EmbeddedAdmin, admin.ModelAdmin)`. The page of an entity says for those who may see the
    index what has become of its embedding, and offers those who may steer it to embed the entity again.

    An admin that builds its own `get_fieldsets` adds `*self.embedding_fieldsets(request, obj)` where it wants them.
    """

    def embedding_fieldsets(self, request: HttpRequest, obj: Model | None) -> list[tuple[Any, dict[str, Any]]]:
        """None on the page that adds an entity, and none for those who may not see the index."""
        if obj is None or not request.user.has_perm(permissions.VIEW):
            return []
        return [(gettext_lazy("Embedding"), {"fields": (self._state_field(request),)})]

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [*super().get_fieldsets(request, obj), *self.embedding_fieldsets(request, obj)]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Without ours, which have a place of their own."""
        return [field for field in super().get_fields(request, obj) if field not in STATE_FIELDS]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, self._state_field(request))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.embed_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_embed"
        return [path("<path:object_id>/embed/", view, name=name), *super().get_urls()]

    def embed_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Embeds the entity again, whatever is stored of it, for those who may steer the index and see the entity."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm(permissions.CHANGE):
            raise PermissionDenied
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404(_("There is no such entity."))
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        reindex(type(obj)._base_manager.using(obj._state.db).filter(pk=obj.pk), force=True)
        self.log_change(request, obj, "Embedding asked for again.")
        self.message_user(request, _("%(entity)s will be embedded again.") % {"entity": obj}, messages.SUCCESS)
        page = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(page, args=[quote(obj.pk)], current_app=self.admin_site.name))

    @admin.display(description=gettext_lazy("State"))
    def embedding_state(self, obj: Model) -> SafeString:
        return self._rendered(obj, may_change=False)

    @admin.display(description=gettext_lazy("State"))
    def embedding_state_and_action(self, obj: Model) -> SafeString:
        return self._rendered(obj, may_change=True)

    def _state_field(self, request: HttpRequest) -> str:
        return STATE_FIELDS[request.user.has_perm(permissions.CHANGE)]

    def _rendered(self, obj: Model, *, may_change: bool) -> SafeString:
        address = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_embed"
        context = {"found": read_state(obj), "embed_url": reverse(address, args=[quote(obj.pk)]) if may_change else ""}
        return render_to_string("admin/embeddings/entity_state.html", context)


STATE_FIELDS = ("embedding_state", "embedding_state_and_action")
"""A field of a form knows no request: who may act sees the second one."""
