"""The pages of the job system in Django's admin."""

from queues.admin.job_admin import JobAdmin
from queues.admin.queue_admin import QueueAdmin

__all__ = ["JobAdmin", "QueueAdmin"]
