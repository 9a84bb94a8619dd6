"""The pages of the entities as a person uses them."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from embeddings.models import DirtyEntity
from tests.theo.context.conftest import NOON
from theo.context.models import Deadline, Event, Person, Place, Task

MODELS = ["person", "place", "event", "task", "deadline"]


@pytest.fixture
def entities(user):
    ada = Person.objects.create(user=user, name="Ada Lovelace", email="ada@example.com", company="Engines")
    home = Place.objects.create(user=user, name="Home", latitude=47.5, longitude=19.0)
    lunch = Event.objects.create(user=user, title="Lunch", starts_at=NOON, place=home, virtual_url="https://example.com/lunch")
    cook = Task.objects.create(user=user, title="Cook", assigned_to=ada, due_date=NOON)
    tax = Deadline.objects.create(user=user, title="Tax return", due_at=NOON, task=cook, event=lunch)
    return {"person": ada, "place": home, "event": lunch, "task": cook, "deadline": tax}


@pytest.mark.parametrize("model", MODELS)
def test_every_list_shows_its_rows_with_their_owner(admin_pages, entities, model):
    page = admin_pages.get(reverse(f"admin:context_{model}_changelist"))
    assert str(entities[model]) in page.content.decode()
    assert "ada" in page.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_every_list_can_be_searched_and_filtered(admin_pages, entities, user, model):
    url = reverse(f"admin:context_{model}_changelist")
    assert listed(admin_pages, url, q=str(entities[model])) == [entities[model]]
    assert listed(admin_pages, url, q="no such thing") == []
    assert listed(admin_pages, url, user__id__exact=user.pk, _facets="True") == [entities[model]]


@pytest.mark.parametrize("model", MODELS)
def test_a_list_needs_as_many_queries_for_one_row_as_for_twenty(admin_pages, entities, django_assert_max_num_queries, model):
    entity = entities[model]
    for _ in range(20):
        entity.pk, entity._state.adding = None, True
        if model == "person":
            entity.email = ""
        entity.save()
    with django_assert_max_num_queries(12):
        admin_pages.get(reverse(f"admin:context_{model}_changelist"))


@pytest.mark.parametrize("model", MODELS)
def test_every_entity_shows_the_state_of_its_embedding_and_can_be_embedded_again(admin_pages, entities, model):
    entity = entities[model]
    url = reverse(f"admin:context_{model}_change", args=[entity.pk])
    page = admin_pages.get(url).content.decode()
    assert page.count('class="embedding-state"') == 1 and "<strong>pending</strong>" in page
    DirtyEntity.objects.all().delete()
    admin_pages.post(reverse(f"admin:context_{model}_embed", args=[entity.pk]))
    assert list(DirtyEntity.objects.values_list("entity_type", "entity_id")) == [(model, str(entity.pk))]


def test_what_is_in_the_trash_says_that_it_is_not_embedded(admin_pages, entities):
    entities["person"].soft_delete()
    DirtyEntity.objects.all().delete()
    page = admin_pages.get(reverse("admin:context_person_change", args=[entities["person"].pk])).content.decode()
    assert "not embedded: should_embed says no" in page and "Embed again" not in page


@pytest.mark.parametrize("model", MODELS)
def test_an_unchanged_form_can_be_saved(admin_pages, entities, model):
    url = reverse(f"admin:context_{model}_change", args=[entities[model].pk])
    form = admin_pages.get(url).context["adminform"].form
    response = admin_pages.post(url, posted(form))
    assert response.status_code == 302, response.context["errors"]


def test_a_new_entry_belongs_to_whoever_adds_it_unless_said_otherwise(admin_pages, superuser):
    page = admin_pages.get(reverse("admin:context_person_add"))
    assert page.context["adminform"].form.initial["user"] == superuser.pk


def test_the_form_explains_a_duplicate_email_address(admin_pages, entities, user):
    data = posted(admin_pages.get(reverse("admin:context_person_add")).context["adminform"].form)
    page = admin_pages.post(reverse("admin:context_person_add"), {**data, "user": user.pk, "name": "Ada", "email": "ADA@example.com"})
    assert "already has a person with this e-mail address" in page.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_the_trash_is_out_of_the_list_until_asked_for(admin_pages, entities, model):
    url = reverse(f"admin:context_{model}_changelist")
    act(admin_pages, url, "move_to_trash", entities[model])
    assert listed(admin_pages, url) == []
    assert listed(admin_pages, url, trash="yes") == [entities[model]]
    assert listed(admin_pages, url, trash="all") == [entities[model]]
    act(admin_pages, f"{url}?trash=yes", "restore", entities[model])
    assert listed(admin_pages, url) == [entities[model]]
    assert [str(entry.change_message) for entry in LogEntry.objects.order_by("pk")] == ["Moved to trash.", "Restored from trash."]


def test_restoring_into_a_taken_email_address_is_explained_and_restores_the_others(admin_pages, user):
    url = reverse("admin:context_person_changelist")
    ada = Person.objects.create(user=user, name="Ada", email="ada@example.com")
    grace = Person.objects.create(user=user, name="Grace")
    act(admin_pages, url, "move_to_trash", ada, grace)
    Person.objects.create(user=user, name="Ada's twin", email="ada@example.com")
    page = act(admin_pages, f"{url}?trash=yes", "restore", ada, grace)
    assert "Ada stays in the trash: The owner already has a person with this e-mail address." in page.content.decode()
    assert "1 entry is back." in page.content.decode()
    assert list(Person.objects.deleted()) == [ada]


def test_a_form_has_buttons_for_the_trash(admin_pages, entities):
    ada = entities["person"]
    form = reverse("admin:context_person_change", args=[ada.pk])
    trash, restore = (reverse(f"admin:context_person_{name}", args=[ada.pk]) for name in ("trash", "restore"))
    assert f'formaction="{trash}"' in admin_pages.get(form).content.decode()
    assert "Ada Lovelace is in the trash now." in admin_pages.post(trash, follow=True).content.decode()
    assert f'formaction="{restore}"' in admin_pages.get(form).content.decode()
    assert "Ada Lovelace is back." in admin_pages.post(restore, follow=True).content.decode()
    assert Person.objects.alive().get() == ada


def test_the_restore_button_explains_a_conflict(admin_pages, entities, user):
    ada = entities["person"]
    ada.soft_delete()
    Person.objects.create(user=user, name="Ada's twin", email="ada@example.com")
    page = admin_pages.post(reverse("admin:context_person_restore", args=[ada.pk]), follow=True)
    assert "stays in the trash" in page.content.decode()


@pytest.mark.parametrize("button", ["trash", "restore"])
def test_the_trash_is_reached_by_post_and_permission_only(admin_pages, entities, button):
    url = reverse(f"admin:context_person_{button}", args=[entities["person"].pk])
    assert admin_pages.get(url).status_code == 405
    assert staff("view_person").post(url).status_code == 403
    assert staff("change_person").post(url).status_code == 302
    assert admin_pages.post(reverse(f"admin:context_person_{button}", args=[0])).status_code == 404


def test_only_a_superuser_deletes_for_good(admin_pages, entities):
    url = reverse("admin:context_person_changelist")
    delete = reverse("admin:context_person_delete", args=[entities["person"].pk])
    clerk = staff("view_person", "change_person", "delete_person", "delete_task")
    assert clerk.post(delete, {"post": "yes"}).status_code == 403
    assert "delete_selected" not in clerk.get(url).content.decode()
    assert admin_pages.post(delete, {"post": "yes"}).status_code == 302
    assert not Person.objects.exists()


def test_nothing_from_the_trash_is_offered_for_a_relation(admin_pages, entities, user):
    Person.objects.create(user=user, name="Ada Byron").soft_delete()
    query = {"app_label": "context", "model_name": "task", "field_name": "assigned_to", "term": "Ada"}
    offered = admin_pages.get(reverse("admin:autocomplete"), query).json()["results"]
    assert [person["text"] for person in offered] == ["Ada Lovelace"]


def test_the_admin_is_theos(admin_pages):
    assert "Theo" in admin_pages.get(reverse("admin:index")).content.decode()


def listed(client, url, **query):
    return list(client.get(url, query).context["cl"].result_list)


def act(client, url, action, *entities):
    return client.post(url, {"action": action, "_selected_action": [entity.pk for entity in entities]}, follow=True)


def posted(form):
    """What a browser sends back for a form that nobody touched."""
    data = {}
    for field in form:
        value = field.value()
        widget = field.field.widget
        if hasattr(widget, "decompress"):
            data |= {f"{field.html_name}_{i}": part or "" for i, part in enumerate(widget.decompress(value))}
        elif value is not None and value is not False:
            data[field.html_name] = field.field.prepare_value(value)
    return data


def staff(*permissions):
    member = get_user_model().objects.create_user("-".join(permissions), password="secret", is_staff=True)
    member.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(member)
    return client
