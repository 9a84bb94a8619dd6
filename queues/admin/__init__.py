"""The pages of the job system in Django's admin."""

from queues.admin.audit.admin import AuditEntryAdmin
from queues.admin.dead_letter.admin import DeadLetterAdmin
from queues.admin.job.admin import JobAdmin
from queues.admin.queue.admin import QueueAdmin
from queues.admin.schedule.admin import ScheduleAdmin
from queues.admin.worker.admin import WorkerAdmin

__all__ = ["AuditEntryAdmin", "DeadLetterAdmin", "JobAdmin", "QueueAdmin", "ScheduleAdmin", "WorkerAdmin"]
