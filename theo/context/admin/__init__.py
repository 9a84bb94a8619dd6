from theo.context.admin.deadline import DeadlineAdmin
from theo.context.admin.event import EventAdmin
from theo.context.admin.person import PersonAdmin
from theo.context.admin.place import PlaceAdmin
from theo.context.admin.task import TaskAdmin

__all__ = ["DeadlineAdmin", "EventAdmin", "PersonAdmin", "PlaceAdmin", "TaskAdmin"]
