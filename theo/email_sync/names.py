"""Names of the queue and the jobs of the e-mail synchronisation. They live in Redis: renaming one orphans queued jobs."""

EMAIL_SYNC = "email-sync"

SYNC_GMAIL = "sync-gmail"
SYNC_GMAIL_INCREMENTAL = "sync-gmail-incremental"
PROCESS_EMAIL = "process-email"
REFRESH_TOKEN = "refresh-token"  # noqa: S105  # a job's name
