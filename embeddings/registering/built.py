"""What an embeddable makes of a row, checked: what cannot be stored is the fault of this entity alone."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from embeddings.exceptions import InvalidContent
from embeddings.registering.embeddable import Embeddable
from embeddings.storable import storable


def build_content(embeddable: Embeddable, row: Any) -> str:
    """The text as it can be stored, stripped. Raises InvalidContent, and whatever `content` raises.

    None is refused, not taken for empty: a forgotten `return` would silently empty the index.
    """
    text = embeddable.content(row)
    if not isinstance(text, str):
        raise InvalidContent(
            f"content() of {embeddable.entity_type} {row.pk} returned {type(text).__name__}, not a str (for no content return '')."
        )
    return storable(text).strip()


def build_metadata(embeddable: Embeddable, row: Any) -> dict[str, Any]:
    """The metadata as JSON has it and PostgreSQL can store it: dates, times, decimals and UUIDs as strings.

    Raises InvalidContent, and whatever `metadata` raises.
    """
    metadata = embeddable.metadata(row)
    if not isinstance(metadata, dict):
        raise InvalidContent(f"metadata() of {embeddable.entity_type} {row.pk} returned {type(metadata).__name__}, not a dict.")
    try:
        plain: dict[str, Any] = json.loads(json.dumps(metadata, cls=DjangoJSONEncoder, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidContent(f"metadata() of {embeddable.entity_type} {row.pk} is no JSON: {error}") from error
    return {storable(key): _storable_json(value) for key, value in plain.items()}


def _storable_json(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(key): _storable_json(item) for key, item in value.items()}
        case list():
            return [_storable_json(item) for item in value]
    return value
