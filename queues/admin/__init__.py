"""The pages of the job system in Django's admin."""

from queues.admin.audit_admin import AuditEntryAdmin
from queues.admin.dead_letter_admin import DeadLetterAdmin
from queues.admin.job_admin import JobAdmin
from queues.admin.queue_admin import QueueAdmin
from queues.admin.schedule_admin import ScheduleAdmin
from queues.admin.worker_admin import WorkerAdmin

__all__ = ["AuditEntryAdmin", "DeadLetterAdmin", "JobAdmin", "QueueAdmin", "ScheduleAdmin", "WorkerAdmin"]
