"""Payloads that are no flat model of plain fields."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from pydantic import BaseModel, RootModel

from queues.decorators import job
from queues.jobs.registry import registry
from tests.queues.admin.job.adding.conftest import errors, of, only_job, shown_fields
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db


class TestUnusualModels:
    @pytest.fixture
    def register(self) -> Iterator[Callable[..., None]]:
        names = []

        def add(function: Callable[..., Any]) -> None:
            names.append("unusual")
            job(name="unusual", queue=QUEUE)(function)

        yield add
        for name in names:
            registry.unregister(name)

    def test_a_job_without_a_payload_has_no_field(self, register, submit) -> None:
        def nothing() -> None: ...

        register(nothing)
        submit(of("unusual"))
        assert only_job().data == {}

    def test_a_model_that_lists_no_properties_is_one_json_field(self, register, submit) -> None:
        class Anything(RootModel[dict[str, int]]):
            pass

        def take(payload: Anything) -> None: ...

        take.__annotations__ = {"payload": Anything, "return": None}
        register(take)
        assert "no JSON" in errors(submit(of("unusual"), **{"payload__(payload)": "{"}))["(payload)"][0]
        assert "JSON object" in errors(submit(of("unusual"), **{"payload__(payload)": "[1]"}))["(payload)"][0]
        assert "a: Input should be a valid integer" in errors(submit(of("unusual"), **{"payload__(payload)": '{"a": "x"}'}))["(payload)"][0]
        submit(of("unusual"), **{"payload__(payload)": '{"a": 1}'})
        assert only_job().data == {"a": 1}

    def test_a_rule_over_several_fields_is_said_above_them(self, register, submit) -> None:
        from pydantic import model_validator

        class Span(BaseModel):
            start: int
            end: int

            @model_validator(mode="after")
            def check(self) -> "Span":
                if self.start > self.end:
                    raise ValueError("it ends before it starts")
                return self

        def take(payload: Span) -> None: ...

        take.__annotations__ = {"payload": Span, "return": None}
        register(take)
        response = submit(of("unusual"), payload__start="2", payload__end="1")
        assert "it ends before it starts" in errors(response)["__all__"][0]

    def test_a_type_that_no_schema_can_say_is_one_json_field(self, register, operator: Client) -> None:
        class Odd(BaseModel):
            call: Callable[[], None]

        def take(payload: Odd) -> None: ...

        take.__annotations__ = {"payload": Odd, "return": None}
        register(take)
        assert "payload-(payload)" in shown_fields(operator.get(of("unusual")).content.decode())
