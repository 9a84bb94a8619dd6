from contextlib import contextmanager

import pytest
from django.core.exceptions import ValidationError
from django.db.models.signals import post_save

from theo.context.models import Person


def test_a_trashed_row_is_deleted_and_not_alive(user):
    kept = Person.objects.create(user=user, name="Ada")
    trashed = Person.objects.create(user=user, name="Grace")
    trashed.soft_delete()
    assert list(Person.objects.owned_by(user).alive()) == [kept]
    assert list(Person.objects.owned_by(user).deleted()) == [trashed]


def test_owners_see_only_their_own(user, stranger):
    Person.objects.create(user=stranger, name="Ada")
    assert not Person.objects.owned_by(user).exists()


def test_trashing_and_restoring_are_saves_that_the_signals_see(user):
    person = Person.objects.create(user=user, name="Ada")
    with signals_of(Person) as seen:
        person.soft_delete()
        person.restore()
    assert seen == [{"deleted_at", "updated_at"}] * 2
    person.refresh_from_db()
    assert not person.is_deleted


def test_trashing_twice_keeps_the_first_moment_and_saves_once(user):
    person = Person.objects.create(user=user, name="Ada")
    with signals_of(Person) as seen:
        person.soft_delete()
        first = person.deleted_at
        person.soft_delete()
    assert person.deleted_at == first
    assert len(seen) == 1


def test_trashing_saves_nothing_but_the_trash(user):
    person = Person.objects.create(user=user, name="Ada")
    Person.objects.filter(pk=person.pk).update(name="Ada Lovelace")
    person.soft_delete()
    person.refresh_from_db()
    assert person.name == "Ada Lovelace"


def test_restoring_into_a_taken_email_address_says_so_and_stays_in_the_trash(user):
    old = Person.objects.create(user=user, name="Ada", email="ada@example.com")
    old.soft_delete()
    Person.objects.create(user=user, name="Ada", email="ADA@example.com")
    with pytest.raises(ValidationError, match="already has a person with this e-mail address"):
        old.restore()
    assert old.is_deleted
    old.refresh_from_db()
    assert old.is_deleted


def test_a_conflict_that_the_validation_missed_is_the_same_kind_of_error(user, monkeypatch):
    old = Person.objects.create(user=user, name="Ada", email="ada@example.com")
    old.soft_delete()
    Person.objects.create(user=user, name="Ada", email="ada@example.com")
    monkeypatch.setattr(old, "validate_constraints", lambda: None)  # as if the other row came a moment later
    with pytest.raises(ValidationError, match="taken its place"):
        old.restore()
    assert old.is_deleted
    assert Person.objects.deleted().get() == old  # the surrounding transaction still works


@contextmanager
def signals_of(model):
    seen = []

    def receive(update_fields, **_):
        seen.append(set(update_fields or ()))

    post_save.connect(receive, sender=model)
    try:
        yield seen
    finally:
        post_save.disconnect(receive, sender=model)
