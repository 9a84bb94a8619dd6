"""Who did what: a row of the admin's log for each action, which the audit page and the admin's history show."""

from __future__ import annotations

import logging

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest

from queues.plain import plain_line

__all__ = ["ADDITION", "CHANGE", "DELETION", "record", "write"]

log = logging.getLogger("queues.audit")


def record(request: HttpRequest, model: type[Model], object_id: str, message: str, *, flag: int = CHANGE) -> None:
    """One row for one action, however many jobs it met: say in the message what was done, to how many, and by which filter."""
    write(str(request.user.pk or 0), request.user.get_username(), model, object_id, message, flag=flag)


def write(user_id: str, user_name: str, model: type[Model], object_id: str, message: str, *, flag: int = CHANGE) -> None:
    """The same of somebody who asked for it earlier, and may be gone by now: then only the logger is told."""
    object_id, message = (text.replace("\0", "\N{REPLACEMENT CHARACTER}") for text in (object_id, message))  # PostgreSQL takes no NUL
    if user_id and get_user_model().objects.filter(pk=user_id).exists():
        LogEntry.objects.create(
            user_id=user_id,
            content_type=ContentType.objects.get_for_model(model),
            object_id=object_id,
            object_repr=object_id[:200],
            action_flag=flag,
            change_message=message,
        )
    log.info("%s", plain_line(f"{user_name}: {model._meta.verbose_name} {object_id}: {message}"))
