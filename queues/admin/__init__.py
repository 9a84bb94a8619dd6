"""The pages of the job system in Django's admin."""

from queues.admin.audit_admin import AuditEntryAdmin
from queues.admin.dead_letter_admin import DeadLetterAdmin
from queues.admin.queue_admin import QueueAdmin

__all__ = ["AuditEntryAdmin", "DeadLetterAdmin", "QueueAdmin"]
