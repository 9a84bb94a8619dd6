"""The backend of Django's task interface: `TASKS = {"default": {"BACKEND": "queues.tasks.QueuesBackend", "QUEUES": [...]}}`.

Looked up lazily: other libraries import the `tasks` module of every installed app, and that must work where neither
`django.tasks` nor `django_tasks` is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from queues.tasks.backend import QueuesBackend

__all__ = ["QueuesBackend"]


def __getattr__(name: str) -> Any:
    if name == "QueuesBackend":
        from queues.tasks.backend import QueuesBackend

        return QueuesBackend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
