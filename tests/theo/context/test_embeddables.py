"""From a save to a search: every entity type, and every change that must be felt there."""

import pytest
from django.contrib.auth import get_user_model

from embeddings import search
from embeddings.models import DirtyEntity
from queues.testing import run_jobs
from tests.theo.context.conftest import NOON
from theo.context.models import Deadline, Event, Person, Place, Task

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_queue")]


@pytest.fixture
def rows(user):
    """One entity of each type; each names the one that it depends on."""
    eva = Person.objects.create(user=user, name="Eva", company="Clinic", title="cardiologist")
    trattoria = Place.objects.create(user=user, name="Trattoria", type="restaurant", tags=["pasta"])
    dinner = Event.objects.create(user=user, title="Dinner", starts_at=NOON, place=trattoria)
    cook = Task.objects.create(user=user, title="Cook", assigned_to=eva)
    tax = Deadline.objects.create(user=user, title="Return", due_at=NOON, task=cook, event=dinner)
    run_jobs("embeddings")
    return {"person": eva, "place": trattoria, "event": dinner, "task": cook, "deadline": tax}


@pytest.mark.parametrize(
    ("entity_type", "query"),
    [("person", "cardiologist"), ("place", "pasta"), ("event", "Dinner meeting"), ("task", "Cook"), ("deadline", "Return deadline")],
)
def test_every_entity_type_is_found(user, rows, entity_type, query):
    (hit, *_) = search(user, query, entity_types=[entity_type])
    assert hit.entity == rows[entity_type]


def test_the_trash_is_not_searched_and_a_restored_row_is_again(user, rows):
    rows["person"].soft_delete()
    run_jobs("embeddings")
    assert not search(user, "cardiologist")
    rows["person"].restore()
    run_jobs("embeddings")
    assert search(user, "cardiologist")[0].entity == rows["person"]


def test_a_transferred_row_is_found_by_its_new_owner_alone(user, rows):
    stranger = get_user_model().objects.create_user("mallory")
    rows["place"].user = stranger
    rows["place"].save()
    assert not search(user, "pasta")
    run_jobs("embeddings")
    assert not search(user, "pasta")
    assert search(stranger, "pasta")[0].entity == rows["place"]


@pytest.mark.parametrize(
    ("changed", "field", "stale"),
    [("place", "name", "event"), ("person", "name", "task"), ("task", "title", "deadline"), ("event", "title", "deadline")],
)
def test_renaming_a_related_row_is_felt_where_it_is_named(user, rows, changed, field, stale):
    setattr(rows[changed], field, "Zanzibar")
    rows[changed].save()
    run_jobs("embeddings")
    assert "Zanzibar" in search(user, "Zanzibar", entity_types=[stale], min_similarity=0.01)[0].content


def test_trashing_a_related_row_takes_its_name_out(user, rows):
    rows["place"].soft_delete()
    run_jobs("embeddings")
    (dinner,) = search(user, "Dinner", entity_types=["event"], min_similarity=0.01)
    assert "Trattoria" not in dinner.content


@pytest.mark.parametrize("field", ["phone", "source_synced_at", "metadata"])
def test_a_save_of_what_is_not_in_the_text_owes_nothing(rows, field):
    rows["person"].save(update_fields=[field])
    assert not DirtyEntity.objects.exists()


def test_hits_carry_what_a_list_shows_of_them(user, rows):
    (hit,) = search(user, "cardiologist")
    assert hit.metadata == {"name": "Eva", "type": "contact", "importance": 5}
