"""Which entities are found by meaning, as what text, and whose change makes that text stale."""

from embeddings import Embeddable, register
from theo.context import content
from theo.context.models import Deadline, Entity, Event, Person, Place, Task

NAME_OF_RELATED = ("name", "deleted_at", "user")
TITLE_OF_RELATED = ("title", "deleted_at", "user")


class EntityEmbeddable(Embeddable):
    owner = "user"

    def should_embed(self, obj: Entity) -> bool:
        return not obj.is_deleted


@register(Person)
class PersonEmbeddable(EntityEmbeddable):
    entity_type = "person"
    fields = ("user", "name", "type", "importance", "company", "title", "notes", "tags", "deleted_at")

    def content(self, obj: Person) -> str:
        return content.person_content(obj)

    def metadata(self, obj: Person) -> dict:
        return {"name": obj.name, "type": obj.type, "importance": obj.importance}


@register(Place)
class PlaceEmbeddable(EntityEmbeddable):
    entity_type = "place"
    fields = ("user", "name", "type", "address", "city", "state", "country", "tags", "deleted_at")

    def content(self, obj: Place) -> str:
        return content.place_content(obj)

    def metadata(self, obj: Place) -> dict:
        return {"name": obj.name, "type": obj.type, "city": obj.city, "country": obj.country}


@register(Event)
class EventEmbeddable(EntityEmbeddable):
    entity_type = "event"
    fields = (
        *("user", "title", "description", "type", "starts_at", "ends_at", "all_day"),
        *("location", "place", "status", "tags", "deleted_at"),
    )
    depends_on = {"place": NAME_OF_RELATED}

    def content(self, obj: Event) -> str:
        return content.event_content(obj)

    def metadata(self, obj: Event) -> dict:
        return {"title": obj.title, "type": obj.type, "status": obj.status, "starts_at": obj.starts_at.isoformat()}


@register(Task)
class TaskEmbeddable(EntityEmbeddable):
    entity_type = "task"
    fields = ("user", "title", "description", "parent", "status", "priority", "due_date", "assigned_to", "tags", "deleted_at")
    depends_on = {"parent": TITLE_OF_RELATED, "assigned_to": NAME_OF_RELATED}

    def content(self, obj: Task) -> str:
        return content.task_content(obj)

    def metadata(self, obj: Task) -> dict:
        return {"title": obj.title, "status": obj.status, "priority": obj.priority}


@register(Deadline)
class DeadlineEmbeddable(EntityEmbeddable):
    entity_type = "deadline"
    fields = (
        *("user", "title", "description", "type", "due_at", "status", "importance"),
        *("consequences", "task", "event", "tags", "deleted_at"),
    )
    depends_on = {"task": TITLE_OF_RELATED, "event": TITLE_OF_RELATED}

    def content(self, obj: Deadline) -> str:
        return content.deadline_content(obj)

    def metadata(self, obj: Deadline) -> dict:
        return {"title": obj.title, "type": obj.type, "status": obj.status, "due_at": obj.due_at.isoformat()}
