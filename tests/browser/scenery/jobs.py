"""Jobs of an application like many: they talk to mail servers and phones, take their time, and some fail."""

from __future__ import annotations

import time

from pydantic import BaseModel, Field

from queues import NonRetryable, job, log, report_progress, schedule
from theo.email_sync.names import EMAIL_SYNC, PROCESS_EMAIL, SYNC_GMAIL_INCREMENTAL
from theo.notifications.names import DEADLINE_REMINDER, NOTIFICATIONS, SEND_NOTIFICATION

IMPORTS, REPORTS = "imports", "reports"
STEPS_SECONDS, LONG_SECONDS = 5.0, 600


class Import(BaseModel):
    user_id: int = Field(description="Whose contacts they become.")
    file: str = Field(description="Name of the uploaded file.")
    rows: int = Field(default=1000, ge=1, description="Lines in it.")
    has_header: bool = True


@job(name=PROCESS_EMAIL, queue=EMAIL_SYNC, owner="user_id", attempts=3, backoff=0.01)
def process_email(*, user_id: int, message_id: str, access_token: str) -> dict[str, int]:
    log(f"fetching message {message_id}")
    return {"attachments": len(fetch(message_id))}


@schedule(every=300, data={"user_id": 1})
@job(name=SYNC_GMAIL_INCREMENTAL, queue=EMAIL_SYNC, owner="user_id")
def sync_gmail_incremental(*, user_id: int) -> None:
    time.sleep(LONG_SECONDS if user_id > 1 else 0)


@job(name=SEND_NOTIFICATION, queue=NOTIFICATIONS, owner="user_id", attempts=1)
def send_notification(*, user_id: int, channel: str, text: str) -> str:
    if channel == "push" and user_id % 5 == 0:
        raise NonRetryable(f"device of user {user_id} is not registered")
    return f"sent by {channel}"


@schedule(cron="0 8 * * mon-fri", timezone="Europe/Budapest", data={"days": 1})
@job(name=DEADLINE_REMINDER, queue=NOTIFICATIONS)
def deadline_reminder(*, days: int) -> None:
    pass


@job(name="import-contacts", queue=IMPORTS, owner="user_id", timeout=3600)
def import_contacts(data: Import) -> dict[str, int]:
    for step in range(1, 101):
        log(f"{data.file}: {data.rows * step // 100:,} of {data.rows:,} rows, {step % 7} duplicates merged")
        report_progress(step)
        time.sleep(STEPS_SECONDS if step > 42 else 0)
    return {"imported": data.rows}


@schedule(cron="30 5 1 * *", data={"month": "2026-11"})
@job(name="monthly-report", queue=REPORTS)
def monthly_report(*, month: str) -> None:
    pass


def fetch(message_id: str) -> list[str]:
    number = int(message_id, 16)
    if number % 11 == 0:
        raise TimeoutError("imap.example.com did not answer within 30 s")
    if number % 17 == 0:
        raise KeyError("Content-Type")
    return ["invoice.pdf"] * (number % 3)
