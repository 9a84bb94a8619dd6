"""Registering as in Django's admin: what is wrong is said at once."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import models

from embeddings import AlreadyRegistered, Chunking, Embeddable, InvalidEmbeddable, NotRegistered, register
from embeddings.registering.registry import registry
from tests.embeddings.registering.registered import instead_of
from tests.testapp.models import LongNote, Note, PinnedNote, Room, Tag


@pytest.fixture(autouse=True)
def the_same_registry_afterwards() -> Any:
    before = dict(registry._by_type)
    yield
    registry._by_type.clear()
    registry._by_type.update(before)


class AbstractNote(models.Model):
    class Meta:
        abstract = True
        app_label = "testapp"


class RoomEmbeddable(Embeddable):
    entity_type = "room"
    owner = "pk"

    def content(self, room: Room) -> str:
        return room.name


def test_a_class_is_registered_as_decorated_or_as_given() -> None:
    assert register(Room)(RoomEmbeddable) is RoomEmbeddable
    assert registry.get("room").model is Room
    registry.unregister("room")
    assert register(Room, RoomEmbeddable) is RoomEmbeddable
    assert registry.get_by_model(Room).content(Room(name="kitchen")) == "kitchen"


def test_options_alone_are_enough_and_functions_take_no_self() -> None:
    chunking = Chunking(max_tokens=500)
    register(
        Room,
        entity_type="room",
        owner="pk",
        fields=["name"],
        chunking=chunking,
        content_version=3,
        content=lambda room: room.name.upper(),
        should_embed=lambda room: room.name != "cellar",
        metadata=lambda room: {"name": room.name},
        queryset=lambda: Room.objects.filter(name="kitchen"),
    )
    room = registry.get("room")
    kitchen, cellar = Room(name="kitchen"), Room(name="cellar")
    assert (room.content(kitchen), room.metadata(kitchen)) == ("KITCHEN", {"name": "kitchen"})
    assert (room.should_embed(kitchen), room.should_embed(cellar)) == (True, False)
    assert "WHERE" in str(room.queryset().query)
    assert (room.chunking, room.content_version) == (chunking, 3)


def named(room: Room) -> str:
    return f"the {room.name}"


@pytest.mark.parametrize("function", [named, staticmethod(named), lambda room: f"the {room.name}", "the {0.name}".format])
def test_any_function_of_the_row_is_content(function: Any) -> None:
    register(Room, entity_type="room", owner="pk", content=function)
    assert registry.get("room").content(Room(name="kitchen")) == "the kitchen"


def test_an_option_comes_before_the_classs_own() -> None:
    register(Room, RoomEmbeddable, entity_type="chamber", content=named)
    assert "room" not in registry
    assert registry.get("chamber").content(Room(name="kitchen")) == "the kitchen"
    assert RoomEmbeddable.entity_type == "room", "the class itself is as it was"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"entity_type": ""}, "entity_type is missing"),
        ({"entity_type": "   "}, "entity_type is missing"),
        ({"entity_type": 5}, "entity_type must be a str, not 5"),
        ({"entity_type": "x" * 101}, "entity_type has 101 characters, 100 are possible"),
        ({"owner": ""}, "owner must be a field path"),
        ({"owner": ("user",)}, "owner must be a field path"),
        ({"fields": "name"}, "fields must be a tuple of field names, or None for all, not 'name'"),
        ({"fields": (1,)}, "fields must be a tuple of field names"),
        ({"soft_delete": "deleted_at"}, "soft_delete must be a tuple"),
        ({"depends_on": ("shelf",)}, "depends_on must be a dict of relations"),
        ({"depends_on": {"shelf": "name"}}, "depends_on must be a dict of relations, each with a tuple"),
        ({"content_version": "2"}, "content_version must be a whole number"),
        ({"content_version": True}, "content_version must be a whole number"),
        ({"chunking": "words"}, "chunking must be a Chunking"),
        ({"content": "name"}, "content must be a function"),
        ({"should_embed": True}, "should_embed must be a function"),
        ({"ownr": "user"}, "there is no option 'ownr', did you mean 'owner'?"),
        ({"is_wanted": named}, "there is no option 'is_wanted'"),
    ],
)
def test_a_wrong_option_is_named_with_what_would_be_right(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidEmbeddable, match=r"testapp\.Room") as caught:
        register(Room, RoomEmbeddable, **options)
    assert sentence in str(caught.value)
    assert "room" not in registry


def test_all_mistakes_are_told_at_once() -> None:
    class Wrong(Embeddable):
        ownr = "user"
        fields = "name"

    with pytest.raises(InvalidEmbeddable) as caught:
        register(Room, Wrong)
    for part in ("'ownr'", "entity_type is missing", "fields must be", "content(obj) is missing"):
        assert part in str(caught.value)


def test_a_misspelt_option_of_an_inherited_class_is_found_and_helpers_are_not_mistaken_for_one() -> None:
    class Base(Embeddable):
        MOST = 5
        _cache: dict[str, str] = {}

        def helper(self) -> None: ...

        @property
        def also_a_helper(self) -> int:
            return 1

    class Right(Base, RoomEmbeddable):
        pass

    class Misspelt(Right):
        content_versoin = 2

    class Inherits(Misspelt):
        entity_type = "inherits"

    register(Room, Right)
    registry.unregister("room")
    with pytest.raises(InvalidEmbeddable, match="did you mean 'content_version'"):
        register(Room, Inherits)


def test_a_second_registration_is_refused_for_the_type_and_for_the_model() -> None:
    with pytest.raises(AlreadyRegistered, match=r"The entity type 'note' belongs to testapp\.Note"):
        register(Room, RoomEmbeddable, entity_type="note")
    with pytest.raises(AlreadyRegistered, match=r"testapp\.Note is registered already"):
        register(Note, RoomEmbeddable)


def test_a_proxy_is_registered_as_its_concrete_model() -> None:
    with pytest.raises(AlreadyRegistered, match=r"testapp\.Note is registered already"):
        register(PinnedNote, RoomEmbeddable)
    registry.unregister("note")
    register(PinnedNote, entity_type="pinned", owner="author", content=lambda note: note.title)
    assert registry.get("pinned").model is Note
    assert registry.get_by_model(PinnedNote) is registry.get_by_model(LongNote) is registry.get("pinned")


def test_models_of_two_apps_are_registered_side_by_side() -> None:
    register(Tag, entity_type="tag", owner="pk", content=lambda tag: tag.name)
    register(Group, entity_type="group", owner="pk", content=lambda group: group.name)
    assert (registry.get_by_model(Tag).model._meta.app_label, registry.get_by_model(Group).model._meta.app_label) == ("testapp", "auth")


def test_an_abstract_model_has_no_rows_to_embed() -> None:
    with pytest.raises(InvalidEmbeddable, match="is abstract and has no rows"):
        register(AbstractNote, RoomEmbeddable)


@pytest.mark.parametrize("model", ["testapp.Room", None, RoomEmbeddable, Room()])
def test_what_is_no_model_is_refused(model: Any) -> None:
    with pytest.raises(InvalidEmbeddable, match="takes a model class"):
        register(model)


@pytest.mark.parametrize("embeddable_class", [Room, RoomEmbeddable(Room), "room"])
def test_what_is_no_embeddable_is_refused(embeddable_class: Any) -> None:
    with pytest.raises(InvalidEmbeddable, match="needs a subclass of Embeddable"):
        register(Room, embeddable_class)


def test_an_unknown_type_or_model_is_named_with_what_there_is() -> None:
    with pytest.raises(NotRegistered, match=r"Unknown entity type 'ship': registered are .*note"):
        registry.get("ship")
    with pytest.raises(NotRegistered, match=r"testapp\.Room has no embeddable"):
        registry.get_by_model(Room)


def test_what_was_registered_instead_is_undone() -> None:
    before = registry.get("note")
    with instead_of("note", owner="author", content=lambda note: note.title) as note:
        assert registry.get("note") is note is not before
    assert registry.get("note") is before
