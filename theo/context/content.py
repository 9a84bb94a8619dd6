"""How each entity reads as text: the sentence that is embedded and searched. Empty parts are left out.

The text must depend on nothing but the rows: the same row gives the same text in every process, so dates are in the
project's time zone and English, whatever the language and zone of the request at hand.
"""

from datetime import datetime
from typing import TypeVar

from django.utils import timezone

from theo.context.models import Deadline, Entity, Event, Person, Place, Task

DESCRIPTION_CHARACTERS = 1500
Related = TypeVar("Related", bound=Entity)


def person_content(person: Person) -> str:
    return _text(_phrase(person.name, person.type, _work(person.company, person.title)), person.notes, _tags(person))


def place_content(place: Place) -> str:
    kind = "" if place.type == Place.Type.LOCATION else place.type  # "location" says nothing of a place
    city = "" if place.city == place.name else place.city
    return _text(_phrase(place.name, kind, place.address, city, place.state, place.country), _tags(place))


def event_content(event: Event) -> str:
    place = _visible(event, event.place)
    headline = _phrase(event.title, event.type, _time_range(event), event.location, place.name if place else "")
    return _text(headline, cut(event.description), _tags(event))


def task_content(task: Task) -> str:
    parent, assignee = _visible(task, task.parent), _visible(task, task.assigned_to)
    headline = _phrase(
        task.title,
        f"part of {parent.title}" if parent else "",
        f"due {_day(task.due_date)}" if task.due_date else "",
        f"assigned to {assignee.name}" if assignee else "",
    )
    return _text(headline, cut(task.description), _tags(task))


def deadline_content(deadline: Deadline) -> str:
    task, event = _visible(deadline, deadline.task), _visible(deadline, deadline.event)
    headline = _phrase(
        deadline.title,
        deadline.type,
        f"due {_moment(deadline.due_at)}",
        f"for the task {task.title}" if task else "",
        f"for the event {event.title}" if event else "",
    )
    consequences = f"If missed: {deadline.consequences.strip()}" if deadline.consequences.strip() else ""
    return _text(headline, cut(deadline.description), consequences, _tags(deadline))


def cut(text: str, characters: int = DESCRIPTION_CHARACTERS) -> str:
    """Shorten to at most `characters`, at a word's end where there is one."""
    text = text.strip()
    if len(text) <= characters:
        return text
    head = text[: characters - 1]
    return (head.rsplit(None, 1)[0] if " " in head else head) + "…"


def _visible(entity: Entity, related: Related | None) -> Related | None:
    """The related row, unless it is in the trash or somebody else's: then its name must not leak into a search."""
    return related if related and not related.is_deleted and related.user_id == entity.user_id else None


def _work(company: str, title: str) -> str:
    if not (company or title):
        return ""
    return " ".join(["works", *([f"at {company}"] if company else []), *([f"as {title}"] if title else [])])


def _tags(entity: Entity) -> str:
    return f"Tags: {', '.join(entity.tags)}" if entity.tags else ""


def _phrase(*parts: str) -> str:
    return ", ".join(part.strip() for part in parts if part and part.strip())


def _text(*sentences: str) -> str:
    """Sentences with one full stop each."""
    kept = [sentence.strip() for sentence in sentences if sentence and sentence.strip()]
    return " ".join(sentence if sentence[-1] in ".!?…" else f"{sentence}." for sentence in kept)


def _time_range(event: Event) -> str:
    start, end = event.starts_at, event.ends_at
    show = _day if event.all_day else _moment
    if end is None or show(start) == show(end):
        return show(start)
    if _day(start) == _day(end):
        return f"{_moment(start)} to {_local(end):%H:%M}"
    return f"{show(start)} to {show(end)}"


def _moment(value: datetime) -> str:
    return f"{_day(value)} {_local(value):%H:%M}"


def _day(value: datetime) -> str:
    local = _local(value)
    return f"{local:%A} {local.day} {local:%B %Y}"


def _local(value: datetime) -> datetime:
    return value.astimezone(timezone.get_default_timezone())
