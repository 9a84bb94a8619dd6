"""What a form refuses: related rows of somebody else, circles, times that run backwards."""

import pytest
from django.core.exceptions import ValidationError

from tests.theo.context.conftest import NOON
from theo.context.models import Deadline, Event, Person, Place, Task


@pytest.fixture
def theirs(stranger):
    return {
        "place": Place.objects.create(user=stranger, name="Their office"),
        "assigned_to": Person.objects.create(user=stranger, name="Their friend"),
        "parent": Task.objects.create(user=stranger, title="Their task"),
        "task": Task.objects.create(user=stranger, title="Their other task"),
        "event": Event.objects.create(user=stranger, title="Their party", starts_at=NOON),
    }


@pytest.mark.parametrize(
    ("model", "field", "values"),
    [
        (Event, "place", {"title": "Lunch", "starts_at": NOON}),
        (Task, "assigned_to", {"title": "Cook"}),
        (Task, "parent", {"title": "Cook"}),
        (Deadline, "task", {"title": "Tax return", "due_at": NOON}),
        (Deadline, "event", {"title": "Tax return", "due_at": NOON}),
    ],
)
def test_related_rows_have_the_same_owner(user, theirs, model, field, values):
    with pytest.raises(ValidationError) as refused:
        model(user=user, **values, **{field: theirs[field]}).full_clean()
    assert "belongs to another user" in refused.value.message_dict[field][0]


def test_a_task_is_never_part_of_itself(user):
    top = Task.objects.create(user=user, title="Move house")
    middle = Task.objects.create(user=user, title="Pack", parent=top)
    bottom = Task.objects.create(user=user, title="Buy boxes", parent=middle)
    top.parent = bottom
    with pytest.raises(ValidationError, match="cannot be part of itself"):
        top.full_clean()
    Task.objects.get(pk=bottom.pk).full_clean()


def test_a_form_says_that_an_event_ends_before_it_starts(user):
    with pytest.raises(ValidationError) as refused:
        Event(user=user, title="Backwards", starts_at=NOON, ends_at=NOON.replace(hour=11)).full_clean()
    assert "ends_at" in refused.value.message_dict


def test_a_reminder_comes_before_its_deadline(user):
    with pytest.raises(ValidationError) as refused:
        Deadline(user=user, title="Tax return", due_at=NOON, reminder_at=NOON.replace(hour=13)).full_clean()
    assert "reminder_at" in refused.value.message_dict
