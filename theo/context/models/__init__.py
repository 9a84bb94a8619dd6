from theo.context.models.deadline import Deadline
from theo.context.models.entity import Entity, EntityQuerySet
from theo.context.models.event import Event
from theo.context.models.person import Person
from theo.context.models.place import Place
from theo.context.models.task import Task

__all__ = ["Deadline", "Entity", "EntityQuerySet", "Event", "Person", "Place", "Task"]
