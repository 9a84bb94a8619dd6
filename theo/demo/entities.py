"""The hand-made entities in `data/`, loaded through the ORM as an application would save them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from theo.context.models import Deadline, Entity, Event, Person, Place, Task

SOURCE = "demo"
DATA = Path(__file__).parent / "data"
# In this order, so that whatever a row refers to is there before it.
FILES: dict[type[Entity], str] = {
    Person: "people.json",
    Place: "places.json",
    Event: "events.json",
    Task: "tasks.json",
    Deadline: "deadlines.json",
}
RELATED = {"place": Place, "assigned_to": Person, "parent": Task, "task": Task, "event": Event}
MOMENT = re.compile(r"([+-]\d+) (\d\d):(\d\d)")


@dataclass(frozen=True, kw_only=True)
class Loaded:
    created: int
    present: int

    @property
    def total(self) -> int:
        return self.created + self.present


@transaction.atomic
def load_entities(user) -> Loaded:
    """Save what is missing. What is there stays as its owner left it, in the trash too, so that this can be repeated."""
    created = present = 0
    for model, file in FILES.items():
        for key, fields in _read(DATA / file):
            if _find(model, user, key):
                present += 1
                continue
            entity = model(user=user, source=SOURCE, source_id=key, **_resolve(user, fields))
            entity.full_clean()
            entity.save()
            created += 1
    return Loaded(created=created, present=present)


def _read(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in json.loads(file.read_text(encoding="utf-8")):
        yield row.pop("key"), row


def _find(model: type[Entity], user, key: str) -> Entity | None:
    return model.objects.owned_by(user).filter(source=SOURCE, source_id=key).first()


def _resolve(user, fields: dict[str, Any]) -> dict[str, Any]:
    """Keys become rows, and moments such as `+3 14:00` (in three days, at two) become times."""
    return {name: _resolve_value(user, name, value) for name, value in fields.items()}


def _resolve_value(user, name: str, value: Any) -> Any:
    if name in RELATED:
        return _find(RELATED[name], user, value)
    if name.endswith("_at") or name == "due_date":
        return _moment(value)
    return value


def _moment(text: str) -> datetime:
    days, hour, minute = (int(number) for number in MOMENT.fullmatch(text).groups())
    today = timezone.localtime(timezone=timezone.get_default_timezone())
    return today.replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(days=days)
