"""System checks: each with its id, the cause and the cure. Only `servers` asks Redis, and only with `check --database`."""

from queues.checks.apps import check_apps
from queues.checks.queues import check_queues
from queues.checks.servers import check_servers
from queues.checks.settings import check_settings

__all__ = ["check_apps", "check_queues", "check_servers", "check_settings"]
