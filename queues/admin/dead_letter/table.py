"""What the address of the dead letters' page says, and what each row of its table leads to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from queues.operations.dead_letters import DeadLetterGroup
from queues.store.queue import queue_names

ORDERS = ("last", "kept", "day", "week", "name")


def words_of(error_class: str, name: str) -> str:
    """A group in words. Plain RQ's jobs have neither."""
    return _("%(error)s in %(name)s") % {"error": error_class or _("an unknown error"), "name": name or _("unnamed jobs")}


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Of one queue, job name and error class, each may be empty."""

    queue: str = ""
    name: str = ""
    error_class: str = ""

    @classmethod
    def of(cls, form: QueryDict) -> Selection:
        return cls(**{field: form.get(field, "") for field in ("queue", "name", "error_class")})

    @property
    def queues(self) -> list[str]:
        """All where none is chosen."""
        return [self.queue] if self.queue else queue_names()

    @property
    def is_empty(self) -> bool:
        return self == Selection()

    @property
    def words(self) -> str:
        group = words_of(self.error_class, self.name)
        return _("%(group)s, queue %(queue)s") % {"group": group, "queue": self.queue} if self.queue else group

    @property
    def object_id(self) -> str:
        """What the admin's log calls the group."""
        return f"{self.error_class}:{self.name}"

    @property
    def query(self) -> str:
        return urlencode({field: value for field, value in vars(self).items() if value})


@dataclass(frozen=True, kw_only=True)
class Sorting:
    """Of the rows: the most, or the latest, first."""

    order: str = "last"

    @classmethod
    def of(cls, form: QueryDict) -> Sorting:
        """Rubbish is the default."""
        wanted = form.get("sort", "")
        return cls(order=wanted) if wanted in ORDERS else cls()

    def apply(self, groups: Iterable[DeadLetterGroup]) -> list[DeadLetterGroup]:
        """`groups` come with the last to die first, which remains the order of equals."""
        match self.order:
            case "kept":
                return sorted(groups, key=lambda group: -group.kept)
            case "day":
                return sorted(groups, key=lambda group: (-group.last_day, -group.last_hour))
            case "week":
                return sorted(groups, key=lambda group: -group.last_week)
            case "name":
                return sorted(groups, key=lambda group: (group.name, group.error_class))
        return list(groups)


@dataclass(frozen=True)
class Row:
    """A group, and the queue that the page was asked for, if any."""

    group: DeadLetterGroup
    queue: str = ""

    @cached_property
    def selection(self) -> Selection:
        return Selection(queue=self.queue, name=self.group.name, error_class=self.group.error_class)
