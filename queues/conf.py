"""Every setting of this app, with its type and default: read as `from queues.conf import settings`.

The queues themselves (names, connections, serializers, CONCURRENCY) live in Django's RQ_QUEUES alone.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.conf import settings as django_settings

PREFIX = "QUEUES_"


class QueuesSettings:
    """`settings.lease_seconds` is Django's QUEUES_LEASE_SECONDS or the default below, looked up anew at every read."""

    lease_seconds: int = 30
    """How long a running job belongs to its worker without a sign of life; renewed every third of it."""
    shutdown_seconds: int = 30
    """How long a worker that is asked to stop waits for running jobs before it gives them back."""
    poll_seconds: int = 5
    """How often an idle worker looks for jobs that arrived without ringing its bell."""
    stall_limit: int = 1
    """How often a job may lose its worker and start again; once more and it is a dead letter."""
    max_payload_bytes: int = 1_048_576
    """The most bytes of JSON that a job's payload may have when it is added, and what it returns when it has run."""
    attempts: int = 3
    """Runs in all of a job, where neither it nor its queue says."""
    keep_completed: int = 100
    """How many completed jobs a queue keeps."""
    keep_failed: int = 500
    """How many failed jobs (dead letters) a queue keeps."""
    alert: str = "queues.operations.alerts.mail_admins"
    """Dotted path of what is called with (job, error, others) when a job is dead; empty for nothing."""
    alert_seconds: int = 900
    """How long after one such call the next may come, for one queue."""
    answer_seconds: float = 0.9
    """How long callers (not workers) wait for an answer of Redis before RedisUnavailable."""
    concurrency: int = 1
    """Jobs of one queue that a worker runs at a time, where RQ_QUEUES names no CONCURRENCY."""
    health: Mapping[str, tuple[float | None, float | None]] = MappingProxyType({})
    """Thresholds (warning, critical) that replace those of queues.operations.thresholds, by metric; None is no limit."""
    allowed_functions: tuple[str, ...] = ()
    """Dotted paths that may be enqueued the way of plain RQ, besides registered jobs."""
    masked_fields: tuple[str, ...] = ("token", "password", "secret", "authorization")
    """Payload fields whose names contain one of these are masked wherever they are shown."""
    test_redis: bool = False
    """Whether the servers of RQ_QUEUES are there for tests alone, so that `queues.testing` may delete every job in them."""

    api_tokens: Mapping[str, str] | Sequence[str] = MappingProxyType({})
    """Who may read the endpoints without a session: name -> SHA-256 (hex) of a token that `manage.py queue_token` made; or hashes alone."""

    clean_queue: str | None = ""
    """The queue on which the hourly clean-up runs, the first of RQ_QUEUES when empty; None turns it off. Read when Django starts."""
    clean_after_seconds: int = 86400
    """How long ago a job must have ended for the hourly clean-up to delete it."""
    clean_states: tuple[str, ...] = ("completed",)
    """What the hourly clean-up deletes; with "failed", dead letters too."""

    bulk_inline: int = 10_000
    """How many jobs one click in the admin acts on while it waits; more are left to a job on the queue of the clean-up."""

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return getattr(django_settings, PREFIX + name.upper(), value) if name in QueuesSettings.__annotations__ else value

    @property
    def rq_queues(self) -> Mapping[str, Mapping[str, Any]]:
        """Django's RQ_QUEUES as written; empty where it is not set or no mapping."""
        queues = getattr(django_settings, "RQ_QUEUES", {})
        return queues if isinstance(queues, Mapping) else {}

    @property
    def rq(self) -> Mapping[str, Any]:
        """Django's RQ (the classes that django-rq builds); empty where it is not set."""
        return getattr(django_settings, "RQ", {})

    @property
    def time_zone(self) -> str:
        """Django's TIME_ZONE: that of schedules which name none."""
        return str(django_settings.TIME_ZONE)

    @property
    def serves_tasks(self) -> bool:
        """Whether Django's TASKS names our backend."""
        tasks = getattr(django_settings, "TASKS", None) or {}
        return any(str(entry.get("BACKEND")).startswith("queues.tasks.") for entry in tasks.values())

    @property
    def shows_rq_admin(self) -> bool:
        """Whether django-rq's own admin pages are on, as they are unless RQ_SHOW_ADMIN_LINK is False."""
        return bool(getattr(django_settings, "RQ_SHOW_ADMIN_LINK", True))

    def unknown_names(self) -> list[str]:
        """Django settings that begin like ours and are none of ours: misspelt, most likely."""
        known = {PREFIX + name.upper() for name in QueuesSettings.__annotations__}
        return sorted(name for name in dir(django_settings) if name.startswith(PREFIX) and name not in known)


settings = QueuesSettings()
