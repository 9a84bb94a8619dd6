"""Adding a job by a form."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from queues import State, get_queue
from queues.masking import MASK
from tests.queues.accounts import make_user
from tests.queues.admin.job.adding.conftest import ADD, errors, of, only_job, shown_fields
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db


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
