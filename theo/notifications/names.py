"""Names of the queue and the jobs of the notifications. They live in Redis: renaming one orphans queued jobs."""

NOTIFICATIONS = "notifications"

SEND_NOTIFICATION = "send-notification"
DEADLINE_REMINDER = "deadline-reminder"
