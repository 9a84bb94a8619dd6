"""`manage.py queue_schedules`: what runs when, by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.core.management import BaseCommand, CommandError, CommandParser

from queues.exceptions import QueuesError
from queues.management.tables import columns
from queues.operations.schedules import ScheduleInfo, get_schedule, get_schedules
from queues.plain import plain_line
from queues.store.schedules import PastRun


class Command(BaseCommand):
    help = "Lists the schedules of registered jobs; runs one now, disables or enables it, shows its past runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--run", metavar="NAME", help="add a run of it at once, also if it is disabled")
        action.add_argument("--disable", metavar="NAME", help="no run until it is enabled again")
        action.add_argument("--enable", metavar="NAME", help="go on with its next slot; what it missed is not made up for")
        action.add_argument("--history", metavar="NAME", help="its past runs, the latest first")

    def handle(self, *, json: bool, run: str | None, disable: str | None, enable: str | None, history: str | None, **options: Any) -> None:
        try:
            if name := run or disable or enable:
                self.stdout.write(f"{name}: {_act(get_schedule(name), run=run, disable=disable)}")
            elif history:
                self.stdout.write(_history(get_schedule(history).past_runs(), json=json))
            else:
                self.stdout.write(_list(get_schedules(), json=json))
        except QueuesError as error:
            raise CommandError(str(error)) from error


def _act(schedule: ScheduleInfo, *, run: str | None, disable: str | None) -> str:
    if run:
        return f"added as job {schedule.run_now().id} of {schedule.queue}"
    if disable:
        schedule.disable()
        return "disabled"
    schedule.enable()
    return "enabled"


def _list(schedules: list[ScheduleInfo], *, json: bool) -> str:
    if json:
        return _json([_facts(each) for each in schedules])
    rows = [["schedule", "queue", "when", "next", "last", "state"]]
    for each in schedules:
        state = "disabled" if each.is_disabled else "enabled"
        rows.append([each.name, each.queue, each.words, _time(each.next_at), _time(each.last_at), state])
    return columns(rows)


def _facts(schedule: ScheduleInfo) -> dict[str, Any]:
    names = ("name", "job", "queue", "words", "next_at", "last_at", "last_job_id", "is_disabled")
    return {name: getattr(schedule, name) for name in names}


def _history(runs: list[PastRun], *, json: bool) -> str:
    if json:
        return _json(runs)
    rows = [["slot", "at", "job", "what"]]
    for run in runs:
        what = f"{run.slots} skipped: it still waited" if run.is_skipped else "by hand" if run.is_by_hand else "added"
        rows.append([_time(run.slot), _time(run.added_at), plain_line(run.job_id), what])
    return columns(rows)


def _json(document: Any) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z" if moment else "-"
