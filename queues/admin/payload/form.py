"""The form of a job's payload, built from its model's JSON schema."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError
from pydantic.errors import PydanticUserError

from queues.admin.payload.fields import JSONField, field_for
from queues.admin.payload.schema import MISSING, Property
from queues.admin.payload.texts import normal
from queues.exceptions import InvalidPayload
from queues.jobs.payload import as_plain
from queues.jobs.registry import Definition
from queues.masking import Masker, holds_mask, unmask
from queues.store import payloads

WHOLE = "(payload)"
"""The one field of a payload whose schema lists no properties."""
OTHERS = "(others)"
"""The field of what a stored payload has besides the schema's properties."""


class PayloadForm(forms.Form):
    """A field per property. `stored` is the payload of the job that is added anew: it is shown masked, and whatever is left as it was
    shown keeps its stored value. When valid, `payload` is what the model accepts."""

    use_required_attribute = False  # the server says what is missing: an empty text may be meant

    def __init__(
        self, definition: Definition, data: MultiValueDict[str, str] | None = None, *, stored: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, prefix="payload")
        self.definition = definition
        self.payload: dict[str, Any] = {}
        self._masker = Masker(stored)
        self._shown: dict[str, tuple[Any, Any]] = {}  # by field: what is shown, and what it stands for
        self._stored = stored
        self._kept: dict[str, Any] = {}  # by field: what was, or holds, a stored value
        for about in _properties(definition):
            self.fields[about.name] = field_for(about)
            if stored is None and about.default is not MISSING:
                self._show(about.name, about.default)
        if stored is not None:
            self._show_stored(stored)

    def _show_stored(self, stored: Mapping[str, Any]) -> None:
        if WHOLE in self.fields:
            self._show(WHOLE, dict(stored))
            return
        others = {key: value for key, value in stored.items() if key not in self.fields}
        if others:
            self.fields[OTHERS] = JSONField(Property(name=str(_("other fields")), schema={}, is_required=False, is_nullable=False))
            self._show(OTHERS, others)
        for name in stored.keys() - others.keys():
            self._show(name, stored[name])

    def _show(self, name: str, value: Any) -> None:
        field: Any = self.fields[name]
        (shown,) = self._masker.data({name: value}).values()
        self._shown[name] = shown, value
        self.initial[name] = text = "" if shown is None and field.about.is_nullable else field.show(shown)
        if text:
            field.fit(text)

    def clean(self) -> dict[str, Any]:
        for name in self.fields:
            if name not in self.errors and (value := self._value(self[name])) is not MISSING:
                self.payload |= value if name in (OTHERS, WHOLE) else {name: value}
        self._refuse_unmasked()
        unread = set(self.errors)  # what was entered there could not even be read: the model has nothing to add
        try:
            accepted = self.definition.model.model_validate(self.payload)
            payloads.encode(self.definition.name, as_plain(self.definition.name, accepted))
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                self._blame(fault["loc"], fault["msg"], unread)
        except InvalidPayload as error:  # too deep or too large, or no JSON after all
            self.add_error(None, self._masker.text(str(error)))
        return self.cleaned_data

    def _value(self, bound: BoundField) -> Any:
        """What the payload gets, or MISSING. Raises nothing: faults become errors of the field."""
        name = bound.name
        shown, behind = self._shown.get(name, (MISSING, MISSING))
        if normal(bound.data) == normal(self.initial.get(name)):
            if self._stored is not None and behind is not MISSING:
                self._kept[name] = behind
                return behind
            return getattr(bound.field, "only", MISSING)  # a default applies by itself
        value = entered = self.cleaned_data[name]
        if shown is not MISSING and (value := unmask(entered, shown, behind)) != entered:
            self._kept[name] = value
        if name in (OTHERS, WHOLE) and not isinstance(value, dict):
            self.add_error(name, _("Enter a JSON object."))
        elif holds_mask(value) and not holds_mask(behind):
            self.add_error(name, _("A mask is left where it stands for no stored value: enter the value."))
        else:
            return value
        return MISSING

    def _refuse_unmasked(self) -> None:
        """What was kept may repeat a masked value: where that was changed, nothing would mask it in the new job any more."""
        now, before = Masker(self.payload), Masker(self.payload, self._stored)
        for name, value in self._kept.items():
            if now.data(value) != before.data(value):
                self.add_error(name, _("It repeats a masked value that is another now: enter it anew."))

    def _blame(self, place: tuple[int | str, ...], text: str, unread: Container[str]) -> None:
        """Shows the fault beside the field that it is about, with the way into it."""
        name, inner = (str(place[0]), place[1:]) if place else ("", ())
        if name not in self.fields:
            name, inner = next((other for other in (OTHERS, WHOLE) if other in self.fields), ""), place
        if name in unread:
            return
        text = self._masker.text(text)
        way = ".".join(str(part) for part in inner)
        self.add_error(name or None, f"{way}: {text}" if way else text)


def _properties(definition: Definition) -> list[Property]:
    try:
        document = definition.model.model_json_schema()
    except PydanticUserError:
        document = {}  # it has types that JSON schema cannot say
    if document.get("type") != "object" or "properties" not in document:
        return [Property(name=WHOLE, schema={}, is_required=True, is_nullable=False)] if not _is_empty(document) else []
    return [Property.read(name, schema, document) for name, schema in document["properties"].items()]


def _is_empty(document: Mapping[str, Any]) -> bool:
    """Whether the job takes no payload at all."""
    return document.get("type") == "object" and document.get("additionalProperties") is False
