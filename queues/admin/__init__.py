"""The pages of the job system in Django's admin."""

from queues.admin.queue_admin import QueueAdmin

__all__ = ["QueueAdmin"]
