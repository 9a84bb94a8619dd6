"""The properties of a payload's JSON schema, as pydantic writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MISSING: Any = object()
"""Nothing is there: no default, or nothing was entered."""


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of the schema, its reference followed and `null` told apart."""

    name: str
    schema: Mapping[str, Any]
    is_required: bool
    is_nullable: bool

    @classmethod
    def read(cls, name: str, schema: Mapping[str, Any], document: Mapping[str, Any]) -> Property:
        own = _followed(schema, document)
        choices = [_followed(choice, document) for choice in own.get("anyOf", ())]
        others = [choice for choice in choices if choice.get("type") != "null"]
        if len(others) == 1:
            own = {**others[0], **{key: value for key, value in own.items() if key != "anyOf"}}
        return cls(name=name, schema=own, is_required=name in document.get("required", ()), is_nullable=len(others) < len(choices))

    @property
    def default(self) -> Any:
        return self.schema.get("default", MISSING)


def _followed(schema: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """With what its `$ref` names; its own words, such as a default, go first."""
    own = dict(schema)
    if len(own.get("allOf", ())) == 1:
        own = {**own.pop("allOf")[0], **own}
    name = own.pop("$ref", "")
    return {**document.get("$defs", {}).get(name.rpartition("/")[2], {}), **own}
