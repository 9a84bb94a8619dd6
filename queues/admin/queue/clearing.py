"""Emptying a queue: what ended long ago, or what waits."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from queues import audit, models, permissions
from queues.admin.pages import FORMS, PageAdmin, page
from queues.admin.queue.bulk_words import outcome
from queues.jobs.states import State
from queues.store.queue import get_queue
from queues.store.stats import QueueStats

AT_ONCE = 50_000
"""Jobs that one click cleans: what one may wait for."""
UNITS = {"minutes": 60, "hours": 3600, "days": 86400}


class CleanForm(forms.Form):
    """How long ago, and which."""

    age = forms.IntegerField(label=gettext_lazy("Ended more than"), min_value=0, max_value=100_000, initial=24)
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"),
        choices=[("minutes", gettext_lazy("minutes ago")), ("hours", gettext_lazy("hours ago")), ("days", gettext_lazy("days ago"))],
        initial="hours",
    )
    states = forms.MultipleChoiceField(
        label=gettext_lazy("Which jobs"),
        choices=[(State.COMPLETED.value, gettext_lazy("completed")), (State.FAILED.value, gettext_lazy("failed"))],
        widget=forms.CheckboxSelectMultiple,
        initial=[State.COMPLETED.value],
    )

    @property
    def seconds(self) -> float:
        return float(self.cleaned_data["age"] * UNITS[self.cleaned_data["unit"]])

    def in_words(self) -> str:
        """For the audit."""
        facts = self.cleaned_data
        return f"{' and '.join(facts['states'])} jobs that ended more than {facts['age']} {facts['unit']} ago"


class ClearingPages(PageAdmin):
    """Both ask first, saying how many."""

    @page(permissions.REMOVE, methods=FORMS)
    def clean(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """First how old and which, then how many that are, then it is done."""
        queue = get_queue(unquote(object_id))
        form = CleanForm(request.POST if request.method == "POST" else request.GET if "age" in request.GET else None)
        if not form.is_valid():
            return self.render(request, "queue/clean.html", title=_("Clean %s") % queue.name, queue=queue, form=form)
        states = form.cleaned_data["states"]
        if request.method != "POST":
            number = queue.clean(form.seconds, states=states, dry_run=True)
            return self.render(request, "queue/clean.html", title=_("Clean %s") % queue.name, queue=queue, form=form, number=number)
        done = queue.clean(form.seconds, states=states, limit=AT_ONCE)
        audit.record(request, models.Queue, queue.name, f"clean, {done} {form.in_words()}", flag=audit.DELETION)
        messages.success(request, outcome("remove", done, None))
        if done == AT_ONCE:
            messages.warning(request, _("There may be more: one click removes no more than %s.") % f"{AT_ONCE:,}")
        return self.back(request, "queue_change", quote(queue.name))

    @page(permissions.REMOVE, methods=FORMS)
    def drain(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Deletes what waits, and what is delayed if that was ticked."""
        queue = get_queue(unquote(object_id))
        if request.method != "POST":
            stats = queue.stats()
            return self.render(request, "queue/drain.html", title=_question(stats), queue=queue, stats=stats)
        is_all = request.POST.get("delayed") == "1"
        done = queue.drain(delayed=is_all)
        audit.record(request, models.Queue, queue.name, f"drain, {done} waiting{' or delayed' if is_all else ''} jobs", flag=audit.DELETION)
        messages.success(request, outcome("remove", done, None))
        return self.back(request, "queue_change", quote(queue.name))


def _question(stats: QueueStats) -> str:
    """What waits is asked for, or what is delayed where nothing waits."""
    if stats.waiting:
        question = ngettext("Remove %(number)s waiting job?", "Remove all %(number)s waiting jobs?", stats.waiting)
    elif stats.delayed:
        question = ngettext("Remove %(number)s delayed job?", "Remove all %(number)s delayed jobs?", stats.delayed)
    else:
        return _("Nothing waits")
    return question % {"number": f"{stats.waiting or stats.delayed:,}"}
