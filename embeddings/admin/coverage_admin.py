"""How complete the index is, and a search in it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from embeddings import permissions
from embeddings.admin.coverage_page import read_page
from embeddings.admin.forms import RetryForm, SearchForm
from embeddings.admin.searches import Search, run_search
from embeddings.conf import settings
from embeddings.exceptions import ProviderMisconfigured
from embeddings.jobs import count_embeddings
from embeddings.models import Coverage, EmbeddingModel
from embeddings.names import COUNT_EMBEDDINGS
from embeddings.owing.parking import retry_parked
from embeddings.providers.gate import Gate
from queues import RedisUnavailable
from queues.admin.pages import READS, SECTIONS, PageAdmin, action, page
from queues.audit import record

SECTIONS += [
    ("embeddings_coverage_changelist", gettext_lazy("Embeddings"), permissions.VIEW),
    ("embeddings_coverage_search", gettext_lazy("Search"), permissions.VIEW),
]


@admin.register(Coverage)
class CoverageAdmin(PageAdmin):
    view_permission = permissions.VIEW
    change_permission = permissions.CHANGE

    def pages(self) -> list[URLPattern]:
        return [
            self.route("", self.coverage, "changelist"),
            self.route("search/", self.search, "search"),
            self.route("count/", self.count, "count"),
            self.route("retry/", self.retry, "retry"),
            self.route("models/<int:pk>/try/", self.try_now, "try"),
        ]

    def rights(self, request: HttpRequest) -> dict[str, bool]:
        return {right.lower(): request.user.has_perm(getattr(permissions, right)) for right in ("VIEW", "CHANGE", "SEARCH_AS_USER")}

    @page()
    def coverage(self, request: HttpRequest) -> HttpResponseBase:
        return self.render(request, "coverage.html", title=_("Embeddings"), indexes=read_page())

    @page(methods=(*READS, "POST"))
    def search(self, request: HttpRequest) -> HttpResponseBase:
        """By POST, as it asks a provider that is paid, counts for its user and is logged; and so that what people look for stands in no
        log of addresses. A link may fill in the form, and asks nobody."""
        may_choose = request.user.has_perm(permissions.SEARCH_AS_USER)
        form = SearchForm(request.POST or None, searcher=request.user, may_choose=may_choose, initial=request.GET.dict())
        done = run_search(form) if request.method == "POST" and form.is_valid() else None
        if done:
            self._log_search(request, done)
        status = 503 if done and done.error else 200
        return self.render(request, "search.html", title=_("Search"), status=status, form=form, done=done, may_choose=may_choose)

    @action(permissions.CHANGE)
    def count(self, request: HttpRequest) -> HttpResponseBase:
        """As a job: of a million entities it takes seconds."""
        job = count_embeddings.using(dedupe=COUNT_EMBEDDINGS).enqueue()
        record(request, Coverage, COUNT_EMBEDDINGS, f"Started a count of everything: job {job.id}.")
        messages.success(request, _("Everything is counted now, by the job %(id)s.") % {"id": job.id})
        return self.back(request, "coverage_changelist")

    @action(permissions.CHANGE)
    def retry(self, request: HttpRequest) -> HttpResponseBase:
        form = RetryForm(request.POST)
        if not form.is_valid():
            messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
            return self.back(request, "coverage_changelist")
        chosen = form.chosen()
        count = retry_parked(**chosen)
        what = ", ".join(f"{name} {value}" for name, value in chosen.items() if value) or "all"
        record(request, Coverage, chosen["entity_type"] or "parked", f"Took up again {count} parked: {what}.")
        words = ngettext("%d parked change is taken up again.", "%d parked changes are taken up again.", count)
        messages.add_message(request, messages.SUCCESS if count else messages.WARNING, words % count)
        return self.back(request, "coverage_changelist")

    @action(permissions.CHANGE)
    def try_now(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Lets the provider be asked with the next job, however long it was to be left alone."""
        database = request.POST.get("database", "")
        model = EmbeddingModel.objects.using(database).filter(pk=pk).first() if database in settings.databases else None
        if model is None:
            raise Http404
        try:
            gate = Gate(model.get_provider())
        except ProviderMisconfigured as error:  # there is none to be asked
            messages.error(request, str(error))
            return self.back(request, "coverage_changelist")
        gate.open()
        if (state := gate.state).kind == "unknown":
            raise RedisUnavailable(state.reason)
        record(request, Coverage, str(model), "Let the provider be asked at once.")
        messages.success(request, _("%(model)s is asked again with the next job.") % {"model": model})
        return self.back(request, "coverage_changelist")

    def _log_search(self, request: HttpRequest, done: Search) -> None:
        """A search as oneself is nobody's business."""
        if done.user.pk != request.user.pk:
            record(request, Coverage, done.user.get_username(), f"Searched as {done.user.get_username()}: {len(done.hits)} hits.")
