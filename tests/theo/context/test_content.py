"""The text that is embedded: pure functions of rows that need no database."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone, translation

from theo.context.content import cut, deadline_content, event_content, person_content, place_content, task_content
from theo.context.models import Deadline, Event, Person, Place, Task

ADA = get_user_model()(pk=1)
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def test_a_person_reads_as_name_type_work_notes_and_tags():
    person = Person(
        user=ADA, name="Eva Nagy", type="colleague", company="St. Mary", title="cardiologist", notes="Calls late", tags=["health", "heart"]
    )
    assert person_content(person) == "Eva Nagy, colleague, works at St. Mary as cardiologist. Calls late. Tags: health, heart."


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Eva, contact."),
        ({"company": "St. Mary"}, "Eva, contact, works at St. Mary."),
        ({"title": "cardiologist"}, "Eva, contact, works as cardiologist."),
        ({"notes": "  Calls late!  "}, "Eva, contact. Calls late!"),
    ],
)
def test_a_persons_empty_parts_are_left_out(fields, text):
    assert person_content(Person(user=ADA, name="Eva", **fields)) == text


def test_a_place_reads_as_name_type_and_address():
    place = Place(user=ADA, name="Da Enzo", type="restaurant", address="Main St 3", city="Rome", country="Italy", tags=["pasta"])
    assert place_content(place) == "Da Enzo, restaurant, Main St 3, Rome, Italy. Tags: pasta."


def test_a_city_is_not_said_twice_nor_called_a_location():
    assert place_content(Place(user=ADA, name="Rome", city="Rome", country="Italy")) == "Rome, Italy."


def test_an_event_reads_as_title_time_place_and_description():
    event = Event(
        user=ADA,
        title="Lunch",
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=1),
        place=Place(user=ADA, name="Da Enzo"),
        description="With Eva",
    )
    assert event_content(event) == "Lunch, meeting, Tuesday 3 March 2026 12:00 to 13:00, Da Enzo. With Eva."


@pytest.mark.parametrize(
    ("end", "all_day", "text"),
    [
        (None, False, "Tuesday 3 March 2026 12:00"),
        (NOON, False, "Tuesday 3 March 2026 12:00"),
        (NOON + timedelta(days=2), False, "Tuesday 3 March 2026 12:00 to Thursday 5 March 2026 12:00"),
        (NOON + timedelta(hours=5), True, "Tuesday 3 March 2026"),
        (NOON + timedelta(days=2), True, "Tuesday 3 March 2026 to Thursday 5 March 2026"),
    ],
)
def test_an_events_time_is_as_short_as_it_can_be(end, all_day, text):
    event = Event(user=ADA, title="Trip", type="travel", starts_at=NOON, ends_at=end, all_day=all_day)
    assert event_content(event) == f"Trip, travel, {text}."


def test_the_text_is_the_same_in_every_language_and_time_zone():
    event = Event(user=ADA, title="Lunch", starts_at=NOON)
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        assert event_content(event) == "Lunch, meeting, Tuesday 3 March 2026 12:00."


def test_a_long_description_is_cut_at_a_words_end():
    event = Event(user=ADA, title="Lunch", starts_at=NOON, description="word " * 1000)
    description = event_content(event).split("12:00. ")[1]
    assert len(description) <= 1500
    assert description.endswith("word…")


def test_text_without_spaces_is_cut_all_the_same():
    assert cut("x" * 5000, 10) == "x" * 9 + "…"
    assert cut("short", 10) == "short"


def test_a_task_reads_as_title_parent_due_day_and_assignee():
    task = Task(
        user=ADA, title="Buy boxes", parent=Task(user=ADA, title="Move house"), due_date=NOON, assigned_to=Person(user=ADA, name="Eva")
    )
    assert task_content(task) == "Buy boxes, part of Move house, due Tuesday 3 March 2026, assigned to Eva."


def test_a_deadline_reads_as_title_due_moment_task_event_and_consequences():
    deadline = Deadline(
        user=ADA, title="Give notice", due_at=NOON, task=Task(user=ADA, title="Move house"),
        event=Event(user=ADA, title="Handover"), consequences="Another month's rent",
    )  # fmt: skip
    headline = "Give notice, deadline, due Tuesday 3 March 2026 12:00, for the task Move house, for the event Handover."
    assert deadline_content(deadline) == f"{headline} If missed: Another month's rent."


def test_trashed_and_foreign_relatives_are_not_named():
    stranger = get_user_model()(pk=2)
    trashed, foreign = Person(user=ADA, name="Eva", deleted_at=NOON), Person(user=stranger, name="Eva")
    assert task_content(Task(user=ADA, title="Cook", assigned_to=trashed)) == "Cook."
    assert task_content(Task(user=ADA, title="Cook", assigned_to=foreign)) == "Cook."
