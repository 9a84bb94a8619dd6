"""The form of the options of one enqueue."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from queues.jobs.options import PRIORITY_LIMIT, Options
from queues.store.new_jobs import new_id


class OptionsForm(forms.Form):
    """What one enqueue may ask for. Empty means what the job and its queue say. When valid, `asked` has it, with an id for the job."""

    delay = forms.FloatField(label=_("delay"), min_value=0, required=False, help_text=_("Seconds to wait before it may run."))
    priority = forms.IntegerField(
        label=_("priority"),
        min_value=-PRIORITY_LIMIT,
        max_value=PRIORITY_LIMIT,
        required=False,
        help_text=_("The lowest runs first; 0 when empty."),
    )
    attempts = forms.IntegerField(
        label=_("attempts"),
        min_value=1,
        max_value=1000,
        required=False,
        help_text=_("Runs in all; as the job and its queue say when empty."),
    )
    dedupe = forms.CharField(
        label=_("dedupe key"), max_length=500, required=False, help_text=_("While a job that holds this key waits, no second one is added.")
    )

    def clean(self) -> dict[str, Any]:
        try:
            self.asked = self._options()
        except ValueError as error:
            self.add_error(None, str(error))
        return self.cleaned_data

    def _options(self) -> Options:
        found = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        return Options(**found, job_id=new_id())
