import logging

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from embeddings import EmbeddingsError, search
from embeddings.search.unembedded import count_unembedded
from theo.web.forms import SearchForm
from theo.web.hits import Hit, build_hits

log = logging.getLogger(__name__)


@require_safe
@login_required(login_url="web:login")
def search_page(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET or None)
    hits, is_unavailable = _find(request.user, form) if form.query else ([], False)
    is_empty = bool(form.query) and not hits and not is_unavailable
    unembedded = count_unembedded(request.user, entity_types=form.entity_types) if is_empty else 0
    page = {"form": form, "hits": hits, "is_unavailable": is_unavailable, "unembedded": unembedded}
    return render(request, "web/search.html", page, status=503 if is_unavailable else 200)


def _find(user, form: SearchForm) -> tuple[list[Hit], bool]:
    """The hits, and whether the search could not be done (the provider is away, or was set up wrongly)."""
    try:
        return build_hits(user, search(user, form.query, entity_types=form.entity_types, limit=20)), False
    except EmbeddingsError:
        log.exception("the search for a user's query failed")
        return [], True
