import pytest
from django.contrib.auth import get_user_model

from theo.context.models import Deadline, Event, Person, Place, Task
from theo.demo.entities import load_entities

MODELS = [Person, Place, Event, Task, Deadline]


def test_about_sixty_entities_of_all_types_are_loaded(user):
    loaded = load_entities(user)
    assert loaded.created == sum(model.objects.owned_by(user).count() for model in MODELS)
    assert 55 <= loaded.created <= 75
    assert all(model.objects.owned_by(user).exists() for model in MODELS)


def test_loading_twice_saves_nothing_new(user):
    first = load_entities(user)
    again = load_entities(user)
    assert (again.created, again.present) == (0, first.created)


def test_what_the_owner_changed_or_threw_away_stays_so(user):
    load_entities(user)
    eva, tom = Person.objects.get(name="Dr. Eva Nagy"), Person.objects.get(name="Tom Baker")
    eva.name = "Eva"
    eva.save()
    tom.soft_delete()
    load_entities(user)
    assert Person.objects.filter(name="Eva").exists()
    assert list(Person.objects.deleted()) == [tom]
    assert not Person.objects.filter(name="Dr. Eva Nagy").exists()


def test_two_owners_have_sample_data_of_their_own(user):
    stranger = get_user_model().objects.create_user("grace")
    assert load_entities(user) == load_entities(stranger)
    for task in Task.objects.exclude(assigned_to=None):
        assert task.assigned_to.user_id == task.user_id


def test_references_and_moments_are_resolved(user):
    load_entities(user)
    dinner = Event.objects.get(title="Sofia's birthday dinner")
    assert dinner.place.name == "Trattoria Nonna Lucia"
    assert (dinner.starts_at.hour, dinner.starts_at.minute) == (19, 0)
    assert Deadline.objects.get(title="Offer to Lotus Robotics").task.title == "Write the offer for Lotus Robotics"


@pytest.mark.parametrize("model", MODELS)
def test_sample_data_is_marked_as_such(user, model):
    load_entities(user)
    assert not model.objects.exclude(source="demo").exists()
