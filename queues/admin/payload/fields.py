"""Form fields for the properties of a payload's JSON schema: each shows a value as text and reads it back as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import orjson
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from queues.admin.payload.schema import MISSING, Property
from queues.admin.payload.texts import json_text, with_plain_lines
from queues.masking import is_masked

LONG_TEXT = 80


class PayloadField(forms.CharField):
    """Its cleaned value is JSON, or MISSING. `about` is the property; `hint` says what to enter."""

    hint: Any = ""

    def __init__(self, about: Property, **options: Any) -> None:
        self.about = about
        super().__init__(required=False, strip=False, label=about.name, help_text=self._help(), **options)

    def _help(self) -> str:
        return " ".join(str(part) for part in (self.about.schema.get("description"), self.hint) if part)

    def show(self, value: Any) -> str:
        """The value as the widget has it."""
        return value if isinstance(value, str) else json_text(value)

    def fit(self, text: str) -> None:
        """Told of a text that it will show."""

    def to_python(self, text: Any) -> Any:
        text = with_plain_lines(text)
        return self.parse(text) if text.strip() else self.empty(text)

    def parse(self, text: str) -> Any:
        return text

    def empty(self, text: str) -> Any:
        return None if self.about.is_nullable else MISSING

    def run_validators(self, value: Any) -> None:
        if isinstance(value, str):
            super().run_validators(value)


class TextField(PayloadField):
    """A text stays text, whatever it looks like; where nothing at all is allowed to stand, that is the empty text."""

    HINTS: Mapping[str, tuple[str, Any]] = {
        "date": ("date", ""),
        "date-time": ("text", _("A moment, such as 2030-01-31T09:30:00+00:00.")),
        "time": ("text", _("A time, such as 09:30:00.")),
        "duration": ("text", _("A duration, such as PT1H30M for one hour and a half.")),
    }

    def __init__(self, about: Property) -> None:
        kind, self.hint = self.HINTS.get(about.schema.get("format", ""), ("text", ""))
        super().__init__(about, widget=forms.TextInput(attrs=_attributes(about)))
        self.widget.input_type = kind

    def fit(self, text: str) -> None:
        """Makes room for a long text, or one of several lines, and for what is no date: a browser would destroy them."""
        if "\n" in text or "\r" in text or len(text) > LONG_TEXT:
            self.widget = forms.Textarea(attrs={"rows": 6, **_attributes(self.about)})
        elif self.widget.input_type == "date" and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            self.widget.input_type = "text"

    def empty(self, text: str) -> Any:
        return text or super().empty(text) if self.about.is_nullable else text


class NumberField(PayloadField):
    """As text, so that a browser rounds no large number."""

    def __init__(self, about: Property, *, is_whole: bool) -> None:
        self.is_whole = is_whole
        self.hint = _("A whole number.") if is_whole else _("A number.")
        mode = "numeric" if is_whole else "decimal"
        super().__init__(about, widget=forms.TextInput(attrs={"inputmode": mode, **_attributes(about)}))

    def parse(self, text: str) -> Any:
        """A text that is no number is left for the model to refuse."""
        text = text.strip()
        if re.fullmatch(r"[+-]?[0-9]{1,4000}", text):
            return self._stored_whole(int(text))
        try:
            number = float(text)
        except ValueError:
            return text
        if not math.isfinite(number):
            raise ValidationError(_("Enter a finite number."))
        return number

    def _stored_whole(self, number: int) -> int:
        if not -(2**63) <= number < 2**64:
            raise ValidationError(_("This number is too large to be stored exactly."))
        return number


class ChoiceField(PayloadField):
    """One of the values that the schema lists, each shown as text and sent as JSON."""

    widget = forms.Select

    def __init__(self, about: Property, choices: list[Any]) -> None:
        self.choices = [value for value in choices if value is not None]
        super().__init__(about)
        self.offer(self.choices)

    def offer(self, values: list[Any]) -> None:
        nothing = [("", "---------")] if self.only is MISSING else []
        self.widget.choices = nothing + [(self.show(value), _words(value)) for value in values]

    def show(self, value: Any) -> str:
        return json.dumps(value)

    def fit(self, text: str) -> None:
        """A value of an older version is offered too: the model says what it thinks of it."""
        if text not in map(self.show, self.choices):
            self.offer([*self.choices, json.loads(text)])

    def parse(self, text: str) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text

    @property
    def only(self) -> Any:
        """The value of which there is no other, else MISSING."""
        return self.choices[0] if self.about.is_required and len(self.choices) == 1 else MISSING


class JSONField(PayloadField):
    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "vLargeTextField"})
    hint = _("JSON.")

    def show(self, value: Any) -> str:
        return json_text(value)

    def fit(self, text: str) -> None:
        self.widget.attrs["rows"] = min(30, max(4, text.count("\n") + 2))

    def parse(self, text: str) -> Any:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ValidationError(_("This is no JSON: %(error)s"), params={"error": error}) from error


def field_for(about: Property) -> PayloadField:
    match about.schema:
        case {"enum": list() as choices}:
            return ChoiceField(about, choices)
        case {"const": constant}:
            return ChoiceField(about, [constant])
        case {"type": "boolean"}:
            return ChoiceField(about, [True, False])
        case {"type": "string"}:
            return TextField(about)
        case {"type": "integer" | "number" as kind}:
            return NumberField(about, is_whole=kind == "integer")
    return JSONField(about)


def _words(value: Any) -> str:
    return str(_("yes") if value else _("no")) if isinstance(value, bool) else str(value)


def _attributes(about: Property) -> dict[str, str]:
    return {"class": "vTextField", **({"autocomplete": "off"} if is_masked(about.name) else {})}
