"""What the database itself refuses, whoever writes."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from tests.theo.context.conftest import NOON
from theo.context.models import Deadline, Event, Person, Place, Task


def test_an_owner_has_an_email_address_once_whatever_its_case(user):
    Person.objects.create(user=user, name="Ada", email="ada@example.com")
    with pytest.raises(IntegrityError, match="context_person_email_unique"):
        Person.objects.create(user=user, name="Ada again", email="ADA@Example.com")


def test_two_owners_may_know_the_same_person(user, stranger):
    Person.objects.create(user=user, name="Ada", email="ada@example.com")
    Person.objects.create(user=stranger, name="Ada", email="ada@example.com")


def test_any_number_of_people_have_no_email_address(user):
    Person.objects.create(user=user, name="Ada")
    Person.objects.create(user=user, name="Grace")
    assert Person.objects.owned_by(user).filter(email="").count() == 2


def test_an_email_address_is_free_again_once_its_person_is_in_the_trash(user):
    Person.objects.create(user=user, name="Ada", email="ada@example.com").soft_delete()
    Person.objects.create(user=user, name="Ada", email="ada@example.com")


def test_the_form_names_the_email_conflict(user):
    Person.objects.create(user=user, name="Ada", email="ada@example.com")
    with pytest.raises(ValidationError, match="already has a person with this e-mail address"):
        Person(user=user, name="Ada again", email="ADA@example.com").full_clean()


@pytest.mark.parametrize("model", [Person, Place, Event, Task, Deadline])
def test_a_source_id_is_unique_by_owner_and_source_even_in_the_trash(user, stranger, model):
    _create(model, user, source="gmail", source_id="m1").soft_delete()
    _create(model, stranger, source="gmail", source_id="m1")
    _create(model, user, source="outlook", source_id="m1")
    with pytest.raises(IntegrityError, match="source_unique"):
        _create(model, user, source="gmail", source_id="m1")


@pytest.mark.parametrize("model", [Person, Place, Event, Task, Deadline])
def test_any_number_of_rows_have_no_source_id(user, model):
    _create(model, user)
    _create(model, user)
    assert model.objects.owned_by(user).count() == 2


@pytest.mark.parametrize("importance", [0, 11])
def test_importance_goes_from_one_to_ten(user, importance):
    with pytest.raises(IntegrityError, match="importance_range"):
        Person.objects.create(user=user, name="Ada", importance=importance)


@pytest.mark.parametrize("importance", [0, 11])
def test_a_deadlines_importance_goes_from_one_to_ten(user, importance):
    with pytest.raises(IntegrityError, match="importance_range"):
        Deadline.objects.create(user=user, title="Tax return", due_at=NOON, importance=importance)


@pytest.mark.parametrize(("field", "value"), [("latitude", 90.1), ("latitude", -90.1), ("longitude", 180.1), ("longitude", float("nan"))])
def test_coordinates_lie_on_the_globe(user, field, value):
    with pytest.raises(IntegrityError, match=f"context_place_{field}_range"):
        Place.objects.create(user=user, name="Nowhere", **{field: value})


def test_the_poles_are_on_the_globe(user):
    Place.objects.create(user=user, name="South Pole", latitude=-90, longitude=180)


def test_an_event_never_ends_before_it_starts(user):
    with pytest.raises(IntegrityError, match="ends_after_start"):
        Event.objects.create(user=user, title="Backwards", starts_at=NOON, ends_at=NOON.replace(hour=11))


def _create(model, user, **fields):
    names = {
        Person: {"name": "Ada"},
        Place: {"name": "Home"},
        Event: {"title": "Lunch", "starts_at": NOON},
        Task: {"title": "Cook"},
        Deadline: {"title": "Tax return", "due_at": NOON},
    }
    return model.objects.create(user=user, **names[model], **fields)
