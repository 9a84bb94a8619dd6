"""From a function's parameters to the model of its payload."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError

from queues.exceptions import InvalidJob, InvalidPayload
from queues.jobs.batch import Batch


class Style(Enum):
    """How the function wants its payload."""

    KEYWORDS = "keywords"
    MODEL = "model"
    BATCH = "batch"


def inspect_function(function: Callable[..., Any]) -> tuple[type[BaseModel], Style]:
    """The payload's model and how it is handed over. Raises InvalidJob where the parameters say neither."""
    if inspect.iscoroutinefunction(function):
        raise InvalidJob(f"{function.__qualname__} is async, and jobs run in threads: make it a plain function, with asyncio.run inside.")
    hints = get_type_hints(function)
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) == 1:
        annotation = hints.get(parameters[0].name)
        if get_origin(annotation) is Batch:
            return get_args(annotation)[0], Style.BATCH
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation, Style.MODEL
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD) or parameter.name not in hints:
            raise InvalidJob(f"{function.__qualname__}: parameter {parameter.name!r} needs an annotation and must take a keyword.")
        fields[parameter.name] = (hints[parameter.name], ... if parameter.default is parameter.empty else parameter.default)
    return _model(function, fields), Style.KEYWORDS


def _model(function: Callable[..., Any], fields: dict[str, Any]) -> type[BaseModel]:
    """Raises InvalidJob for an annotation that is not JSON, such as a Django model."""
    try:
        with warnings.catch_warnings():  # a parameter may be called `copy` or `json`: the model's methods of that name are not ours to use
            warnings.filterwarnings("ignore", message="Field name .* shadows an attribute")
            model: type[BaseModel] = create_model(
                f"{function.__name__}_payload", __config__=ConfigDict(extra="forbid", ser_json_inf_nan="constants"), **fields
            )
            return model
    except PydanticSchemaGenerationError as error:
        reason = str(error).partition(". ")[0]
        cure = "take a row's key and read the row in the job"
        raise InvalidJob(f"{function.__qualname__}: a payload is JSON, so {cure}. {reason}.") from error


def validate(name: str, model: type[BaseModel], payload: Any) -> BaseModel:
    """The payload as its model. Raises InvalidPayload, naming each wrong field."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(str(part) for part in fault['loc']) or 'payload'}: {fault['msg']}" for fault in error.errors())
        raise InvalidPayload(f"Payload of {name!r}: {faults}.") from error


def as_plain(name: str, payload: BaseModel) -> dict[str, Any]:
    """The payload in JSON's own types. Raises InvalidPayload for what has no end, or none that can be reached."""
    try:
        return payload.model_dump(mode="json")
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidPayload(f"Payload of {name!r}: it is no JSON: {error}.") from error
