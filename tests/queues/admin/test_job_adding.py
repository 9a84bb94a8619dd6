"""Adding a job by a form, and retrying one with another payload."""

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any, ClassVar

import orjson
import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pydantic import BaseModel, RootModel

from queues import Job, State, add_job, get_job, get_queue
from queues.jobs.decorators import job
from queues.jobs.registry import registry
from queues.masking import MASK
from queues.operations.bulk import BULK_JOBS
from queues.operations.bulk_dead_letters import BULK_DEAD_LETTERS
from queues.store import keys, payloads
from queues.testing import run_jobs
from tests.queues.accounts import make_user
from tests.queues.filling import Committed
from tests.testapp.jobs import QUEUE

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.queues.urls")]

ADD = "/admin/queues/job/add/"
TITLE = {"payload-title": "A title"}


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user("view_queue", "add_job"))
    return client


@pytest.fixture
def submit(operator: Client) -> Callable[..., Any]:
    """Fills the form at the address as a browser does: what is not named stays as it was shown."""

    def fill(address: str, **fields: str) -> Any:
        shown = shown_fields(operator.get(address).content.decode())
        named = {name.replace("__", "-"): value for name, value in fields.items()}
        assert named.keys() <= shown.keys(), f"no field {named.keys() - shown.keys()}"
        return operator.post(address, {**shown, **named})

    return fill


def shown_fields(page: str) -> dict[str, str]:
    """What a browser would send of it untouched."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and "csrf" not in name[1]:
            found[unescape(name[1])] = unescape(value[1]) if value else ""
    for name, text in re.findall(r'<textarea name="([^"]*)"[^>]*>\n?(.*?)</textarea>', page, re.S):
        found[unescape(name)] = unescape(text).replace("\r\n", "\n").replace("\n", "\r\n")
    for name, options in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', page, re.S):
        selected = re.search(r'value="([^"]*)"\s+selected', options) or re.search(r'value="([^"]*)"', options)
        found[unescape(name)] = unescape(selected[1])
    return found


def of(name: str) -> str:
    return f"{ADD}?queue={QUEUE}&name={name}"


def again(job: Job) -> str:
    return reverse("admin:queues_job_rerun", args=[job.id])


def only_job() -> Job:
    (found,) = get_queue(QUEUE).jobs(State.WAITING)
    return found


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return {name: list(found) for name, found in response.context["payload"].errors.items()}


class TestTheForm:
    def test_one_chooses_among_the_registered_jobs_of_the_queue(self, operator: Client) -> None:
        page = operator.get(ADD, {"queue": QUEUE}).content.decode()
        assert f'href="?queue={QUEUE}&amp;name=greet"' in page
        assert "clean-queues" not in page
        assert "name=clean-queues" in operator.get(ADD).content.decode()

    @pytest.mark.parametrize(
        "query", ["queue=nothing", "name=nothing", f"queue={QUEUE}&name=clean-queues", "name=tests.testapp.tasks.greet"]
    )
    def test_an_unknown_queue_or_job_is_a_friendly_404(self, operator: Client, query: str) -> None:
        assert operator.get(f"{ADD}?{query}").status_code == 404
        assert operator.post(f"{ADD}?{query}").status_code == 404

    def test_it_shows_defaults_descriptions_choices_and_what_is_required(self, operator: Client) -> None:
        page = operator.get(of("everything")).content.decode()
        fields = shown_fields(page)
        assert fields["payload-count"] == "3"
        assert fields["payload-ratio"] == "0.5"
        assert fields["payload-is_urgent"] == "false"
        assert fields["payload-color"] == '"red"'
        assert fields["payload-size"] == ""
        assert fields["payload-tags"] == "[]"
        assert fields["payload-address"] == ""
        assert "What it is called." in page
        assert re.search(r'<label for="id_payload-title" class="required">title <span[^>]*>\(required\)', page)
        assert 'type="date"' in page

    def test_a_batch_job_asks_for_one_item(self, submit, operator: Client) -> None:
        assert "the payload of one job of a batch" in operator.get(of("greet-all")).content.decode()
        submit(of("greet-all"), payload__name="Ann")
        assert only_job().data == {"name": "Ann", "seconds": 0.0, "fails": 0}

    def test_what_is_left_alone_takes_the_models_defaults(self, submit) -> None:
        response = submit(of("everything"), payload__title="A title")
        added = only_job()
        assert added.data == {
            "title": "A title", "count": 3, "ratio": 0.5, "is_urgent": False, "color": "red", "size": None,
            "day": None, "at": None, "tags": [], "address": None, "token": "",
        }  # fmt: skip
        assert response.headers["Location"] == reverse("admin:queues_job_change", args=[added.id])

    def test_each_kind_of_field_arrives_as_its_type(self, submit) -> None:
        submit(
            of("everything"),
            payload__title=" spaces stay ",
            payload__count="9007199254740993",
            payload__ratio="1e3",
            payload__is_urgent="true",
            payload__color='"blue"',
            payload__size='"large"',
            payload__day="2030-01-31",
            payload__at="2030-01-31T09:30:00+01:00",
            payload__tags='["a", "b"]',
            payload__address='{"street": "Main"}',
            payload__token="1234",
        )
        assert only_job().data == {
            "title": " spaces stay ", "count": 9007199254740993, "ratio": 1000.0, "is_urgent": True, "color": "blue", "size": "large",
            "day": "2030-01-31", "at": "2030-01-31T09:30:00+01:00", "tags": ["a", "b"],
            "address": {"street": "Main", "token": ""}, "token": "1234",
        }  # fmt: skip

    def test_the_options_arrive(self, submit, operator: Client) -> None:
        submit(of("greet"), payload__name="Ann", options__priority="-5", options__attempts="7", options__dedupe="one")
        added = only_job()
        assert (added.priority, added.attempts) == (-5, 7)
        response = submit(of("greet"), payload__name="Ann", options__dedupe="one")
        page = operator.get(response.headers["Location"]).content.decode()
        assert "waits under this dedupe key already" in page
        assert only_job().id == added.id

    def test_a_delay_arrives(self, submit) -> None:
        submit(of("greet"), payload__name="Ann", options__delay="60")
        assert len(get_queue(QUEUE).jobs(State.DELAYED)) == 1

    @pytest.mark.parametrize(
        ("option", "value"),
        [("delay", "-1"), ("delay", "nan"), ("delay", "1e12"), ("priority", "1e9"), ("priority", "3000000"), ("attempts", "0")],
    )
    def test_an_option_out_of_range_adds_nothing(self, submit, option: str, value: str) -> None:
        response = submit(of("greet"), payload__name="Ann", **{f"options__{option}": value})
        assert response.status_code == 200
        assert response.context["options"].errors
        assert get_queue(QUEUE).stats().waiting == 0

    def test_adding_says_so_with_a_link_and_is_logged(self, submit, operator: Client) -> None:
        response = submit(of("greet"), payload__name="Ann")
        added = only_job()
        page = operator.get(response.headers["Location"]).content.decode()
        assert re.search(rf'The job <a href="[^"]*{added.id}/change/">{added.id}</a> is added.', page)
        (entry,) = LogEntry.objects.all()
        assert (entry.object_id, entry.is_addition(), entry.change_message) == (added.id, True, f"added: greet to {QUEUE}")

    def test_it_needs_the_right_to_add(self, client: Client) -> None:
        client.force_login(make_user("view_queue", "change_queue"))
        assert client.get(of("greet")).status_code == 403
        assert client.post(of("greet"), {"payload-name": "Ann"}).status_code == 403


class TestWrongPayloads:
    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("title", "", "Field required"),
            ("title", "x", "at least 2 characters"),
            ("count", "many", "valid integer"),
            ("count", "1.5", "valid integer"),
            ("count", "9" * 40, "too large"),
            ("ratio", "nan", "finite"),
            ("ratio", "1e999", "finite"),
            ("color", '"green"', "'red' or 'blue'"),
            ("size", "rubbish", "'small' or 'large'"),
            ("is_urgent", '"maybe"', "valid boolean"),
            ("day", "yesterday", "valid date"),
            ("at", "soon", "valid datetime"),
            ("tags", "[1", "no JSON"),
            ("tags", "[1]", "0: Input should be a valid string"),
            ("address", '{"token": "x"}', "street: Field required"),
            ("address", "[" * 5000, "no JSON"),
            ("title", "a\x00b", "Null characters"),
            ("token", MASK, "enter the value"),
        ],
    )
    def test_the_error_is_beside_its_field_and_what_was_typed_is_kept(self, submit, field: str, value: str, message: str) -> None:
        response = submit(of("everything"), **{"payload__title": "A title", f"payload__{field}": value})
        assert list(errors(response)) == [field]
        assert message in errors(response)[field][0]
        page = response.content.decode()
        row = next(row for row in page.split('<div class="form-row') if f'name="payload-{field}"' in row)
        assert row.startswith(" job-field errors")
        assert 'aria-invalid="true"' in row
        assert len(get_queue(QUEUE).job_ids(State.WAITING)) == 0
        if field not in ("color", "size", "is_urgent"):  # a select shows what it offers alone
            assert shown_fields(page)[f"payload-{field}"].replace("\0", "") == value.replace("\0", "")

    def test_all_faults_of_a_field_are_told(self, submit) -> None:
        response = submit(of("everything"), payload__title="A title", payload__tags="[1, 2]")
        assert [text.partition(":")[0] for text in errors(response)["tags"]] == ["0", "1"]

    def test_a_value_that_could_not_be_stored_is_refused(self, submit) -> None:
        response = submit(of("everything"), payload__title="A title", payload__tags="[" * 400 + "]" * 400)
        assert errors(response)
        assert get_queue(QUEUE).stats().waiting == 0

    def test_a_form_that_lacks_all_fields_raises_nothing(self, operator: Client) -> None:
        assert list(errors(operator.post(of("everything")))) == ["title"]


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


class TestRetryWithChangedPayload:
    @pytest.fixture
    def dead(self, committed: Committed, connection) -> Job:
        with committed(execute=True):
            found = add_job(QUEUE, "fail-with-token", {"name": "Ann\nand\r\nBob", "token": "hunter-2-token"}, attempts=1, priority=3)
        run_jobs(QUEUE)
        return found.refresh()

    def test_a_new_job_is_added_and_the_old_one_stays(self, submit, operator: Client, dead: Job) -> None:
        response = submit(again(dead), payload__name="Cleo")
        added = only_job()
        assert added.id != dead.id
        assert added.data == {"name": "Cleo", "token": "hunter-2-token"}
        assert (added.priority, added.attempts) == (3, 1)
        assert get_job(dead.id).state is State.FAILED
        page = operator.get(response.headers["Location"]).content.decode()
        assert f"{dead.id}/change/" in page
        assert "stays as it is" in page

    def test_both_are_logged_without_their_payloads(self, submit, dead: Job) -> None:
        submit(again(dead), payload__name="Cleo")
        added = only_job()
        assert {entry.object_id: entry.change_message for entry in LogEntry.objects.all()} == {
            added.id: f"added: fail-with-token to {QUEUE}, as a retry of {dead.id} with a changed payload",
            dead.id: f"retried with a changed payload, as {added.id}",
        }

    def test_what_is_left_alone_keeps_its_value_to_the_byte(self, submit, dead: Job) -> None:
        submit(again(dead))
        assert only_job().data == {"name": "Ann\nand\r\nBob", "token": "hunter-2-token"}

    def test_the_masked_value_is_never_shown_not_even_in_an_error(self, submit, operator: Client, dead: Job, connection) -> None:
        assert "hunter-2-token" not in operator.get(again(dead)).content.decode()
        response = submit(again(dead), payload__name=f"with {MASK}")
        assert "enter the value" in errors(response)["name"][0]
        assert "hunter-2-token" not in response.content.decode()
        data = payloads.encode("fail-with-token", {"name": ["hunter-2-token"], "token": "hunter-2-token"})
        connection.hset(keys.job(dead.id), "data", data)
        response = submit(again(dead))
        assert "valid string" in errors(response)["name"][0]
        assert "hunter-2-token" not in response.content.decode()

    def test_a_masked_value_inside_of_json_that_was_changed_is_kept_too(self, submit, committed: Committed) -> None:
        with committed(execute=True):
            found = add_job(QUEUE, "everything", {"title": "A title", "address": {"street": "Main", "token": "inner-secret"}})
        run_jobs(QUEUE)
        submit(again(found), payload__address=f'{{"street": "Side", "token": "{MASK}"}}')
        assert only_job().data["address"] == {"street": "Side", "token": "inner-secret"}
        response = submit(again(found), payload__tags=f'["{MASK}"]')
        assert "enter the value" in errors(response)["tags"][0]

    def test_a_new_masked_value_can_be_entered(self, submit, dead: Job) -> None:
        submit(again(dead), payload__token="another")
        assert only_job().data["token"] == "another"

    def test_fields_of_an_older_version_are_shown_and_refused_where_they_belong(self, submit, dead: Job, connection) -> None:
        data = payloads.encode("fail-with-token", {"name": "Ann", "token": "hunter-2-token", "old": {"password": "p"}})
        connection.hset(keys.job(dead.id), "data", data)
        response = submit(again(dead))
        assert errors(response) == {"(others)": ["old: Extra inputs are not permitted"]}
        response = submit(again(dead), **{"payload__(others)": "{}"})
        assert response.status_code == 302
        assert only_job().data == {"name": "Ann", "token": "hunter-2-token"}

    def test_stored_values_that_fit_no_widget_are_kept(self, submit, committed: Committed, connection) -> None:
        with committed(execute=True):
            found = add_job(QUEUE, "everything", {"title": "A title"})
        run_jobs(QUEUE)
        stored = {**found.data, "count": True, "color": "purple", "day": "2030-01-01T00:00:00", "is_urgent": 1, "title": "\n\ntwo lines"}
        connection.hset(keys.job(found.id), "data", payloads.encode("everything", stored))
        assert errors(submit(again(found))) == {"color": ["Input should be 'red' or 'blue'"]}
        submit(again(found), payload__color='"blue"')
        assert only_job().data == {
            **found.data,
            "count": 1,
            "color": "blue",
            "day": "2030-01-01",
            "is_urgent": True,
            "title": "\n\ntwo lines",
        }

    @pytest.mark.parametrize(
        "fields", [{"status": "queued"}, {"name": "no-longer-registered"}, {"origin": "elsewhere"}, {"data": b"rubbish"}]
    )
    def test_a_job_that_cannot_be_is_said_so(self, operator: Client, dead: Job, connection, fields: dict[str, Any]) -> None:
        connection.hset(keys.job(dead.id), mapping=fields)
        response = operator.get(again(dead), follow=True)
        assert "can be retried with a changed payload" in response.content.decode()

    def test_a_plain_rq_call_of_a_registered_name_is_not_rerun_with_its_arguments_lost(
        self, operator: Client, dead: Job, connection
    ) -> None:
        connection.hset(keys.job(dead.id), "data", orjson.dumps(["some.function", None, [1], {}]))
        assert operator.get(again(dead)).status_code == 302

    def test_what_repeats_a_masked_value_is_not_kept_once_that_is_another(self, submit, dead: Job, connection) -> None:
        """In the new job nothing would mask it."""
        data = payloads.encode("fail-with-token", {"name": "uses hunter-2-token", "token": "hunter-2-token"})
        connection.hset(keys.job(dead.id), "data", data)
        response = submit(again(dead), payload__token="another")
        assert errors(response) == {"name": ["It repeats a masked value that is another now: enter it anew."]}
        submit(again(dead), payload__token="another", payload__name="uses another")
        assert only_job().data == {"name": "uses another", "token": "another"}


class TestOwnJobs:
    """What acts on jobs does so by rights that its page asked for, and signs with a name: `add_job` must not lend them."""

    PAYLOADS: ClassVar = {
        BULK_JOBS: {"action": "remove", "queue": QUEUE, "state": "waiting", "user_id": "1", "user_name": "root"},
        BULK_DEAD_LETTERS: {"action": "remove", "queues": [QUEUE], "expected": 1, "until": "2099-01-01T00:00:00Z", "user_id": "1"},
    }

    @pytest.mark.parametrize("name", PAYLOADS)
    def test_they_are_not_added_by_hand(self, operator: Client, name: str, connection) -> None:
        queue = registry.get(name).queue
        assert name not in operator.get(ADD).content.decode()
        form = {f"payload-{field}": value if isinstance(value, str) else json.dumps(value) for field, value in self.PAYLOADS[name].items()}
        for address in (f"{ADD}?name={name}", f"{ADD}?queue={queue}&name={name}"):
            assert operator.get(address).status_code == 404
            assert operator.post(address, form).status_code == 404
        assert connection.keys("rq:job:*") == []

    @pytest.mark.parametrize("name", PAYLOADS)
    def test_nor_once_more_with_another_payload(self, operator: Client, committed: Committed, name: str) -> None:
        queue = registry.get(name).queue
        with committed(execute=True):
            found = add_job(queue, name, {**self.PAYLOADS[name], "user_id": ""})
        run_jobs(queue)
        assert operator.post(again(found), {"payload-action": "remove"}).status_code == 302
        assert get_queue(queue).job_ids("waiting") == []

    def test_the_clean_up_which_takes_no_orders_is(self, operator: Client) -> None:
        assert operator.get(f"{ADD}?name=clean-queues").status_code == 200
