"""What the page of a queue is asked for in its address: a state, a filter, an order, and where to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from queues.jobs.registry import registry
from queues.jobs.states import ENDED, State
from queues.store.finding.cursors import BEGINNING, Cursor, Order
from queues.store.finding.filters import ALL, Filter

TABS = {
    State.WAITING: _("Waiting"),
    State.ACTIVE: _("Active"),
    State.DELAYED: _("Delayed"),
    State.FAILED: _("Failed"),
    State.COMPLETED: _("Completed"),
}
"""The states by their tabs. What an operator opens first is what waits."""

ORDERS = {
    False: {Order.FIRST: _("next first"), Order.LAST: _("last first")},
    True: {Order.LAST: _("newest first"), Order.FIRST: _("oldest first")},
}
"""By whether the jobs have ended; the first of each is the default."""
SIZES = (50, 100, 200)


class Choice(forms.ChoiceField):
    """What is none of the choices is the initial one: an address that somebody mistyped still shows a page."""

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except ValidationError:
            return self.initial


class FilterForm(forms.Form):
    """The fields of the filter that make sense in a state."""

    id = forms.CharField(label=_("Id"), required=False, max_length=200)
    name = forms.CharField(label=_("Name"), required=False, max_length=200, widget=forms.TextInput({"list": "job-names"}))
    owner = forms.CharField(label=_("Owner"), required=False, max_length=200)
    error_class = forms.CharField(label=_("Error class"), required=False, max_length=200)  # type: ignore[assignment]  # Django drops it from the class
    text = forms.CharField(label=_("Text in payload or error"), required=False, max_length=200)
    order = Choice(label=_("Order"))
    size = Choice(label=_("Jobs per page"), choices=[(str(size), str(size)) for size in SIZES], initial=str(SIZES[0]))

    def __init__(self, data: QueryDict, *, state: State, queue: str) -> None:
        super().__init__({name: data.get(name, "") for name in self.base_fields}, auto_id="filter_%s")
        self.job_names = sorted(job.name for job in registry if job.queue == queue)
        order = self.fields["order"]
        order.choices = [(order.value, words) for order, words in ORDERS[state in ENDED].items()]  # type: ignore[attr-defined]
        order.initial = default_order(state).value
        self.data = {**self.data, **{name: self.data[name] or self.fields[name].initial for name in ("order", "size")}}
        if state is not State.FAILED:  # the index knows dead letters alone
            del self.fields["error_class"]


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What of a queue one looks at: all that a shared address says."""

    state: State
    wanted: Filter = ALL
    order: Order
    size: int = SIZES[0]
    cursor: Cursor = BEGINNING

    @classmethod
    def read(cls, data: QueryDict, form: FilterForm) -> Sight:
        """Of a valid form. Raises KeyError for another."""
        facts = {name: form.cleaned_data.get(name) or None for name in ("name", "owner", "error_class", "text")}
        return cls(
            state=state_in(data),
            wanted=Filter(**facts),
            order=Order(form.cleaned_data["order"]),
            size=int(form.cleaned_data["size"]),
            cursor=Cursor.parse(data.get("at", "")),
        )

    @classmethod
    def unfiltered(cls, state: State) -> Sight:
        return cls(state=state, order=default_order(state))

    def query(self, **changes: Any) -> str:
        """The address's query for this, with changes; None leaves a field out."""
        facts = {
            "state": self.state.value,
            "name": self.wanted.name,
            "owner": self.wanted.owner,
            "error_class": self.wanted.error_class,
            "text": self.wanted.text,
            "order": None if self.order is default_order(self.state) else self.order.value,
            "size": None if self.size == SIZES[0] else self.size,
        }
        return urlencode({name: value for name, value in {**facts, **changes}.items() if value is not None})

    @property
    def here(self) -> str:
        """The query for this very page."""
        return self.query(at=None if self.cursor == BEGINNING else str(self.cursor))

    def tab_query(self, state: State) -> str:
        """The same filter in another state, where its order may be another and what is no dead letter has no error class."""
        fields: Mapping[str, Any] = {"state": state.value, "order": None}
        return self.query(**fields) if state is State.FAILED else self.query(**fields, error_class=None)


def state_in(data: QueryDict) -> State:
    """The state whose tab is open."""
    return next((state for state in TABS if state.value == data.get("state")), State.WAITING)


def default_order(state: State) -> Order:
    """What runs next, or ended last, comes first."""
    return next(iter(ORDERS[state in ENDED]))
