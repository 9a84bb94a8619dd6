import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from queues import get_queue, get_schedule
from queues.worker.scheduler import Scheduler

NAME = "sweep-embeddings"


def queue_schedules(*arguments: str) -> str:
    out = StringIO()
    call_command("queue_schedules", *arguments, stdout=out)
    return out.getvalue()


def test_it_lists_what_runs_when() -> None:
    header, *rows = queue_schedules().splitlines()
    assert header.split() == ["schedule", "queue", "when", "next", "last", "state"]
    clean, count, sweep = rows
    assert clean.startswith("clean-queues      embeddings  cron 0 * * * * (UTC)  2") and clean.endswith(":00:00Z  -     enabled")
    assert count.startswith("count-embeddings  embeddings  every hour")
    assert sweep.startswith("sweep-embeddings  embeddings  every minute")


def test_json_holds_the_same_and_more() -> None:
    Scheduler().tick()
    _, _, sweep = json.loads(queue_schedules("--json"))
    info = get_schedule(NAME)
    assert sweep == {
        "name": NAME,
        "job": NAME,
        "queue": "embeddings",
        "words": "every minute",
        "next_at": info.next_at.isoformat(),
        "last_at": info.last_at.isoformat(),
        "last_job_id": info.last_job_id,
        "is_disabled": False,
    }


def test_one_is_run_by_hand_and_its_history_says_so() -> None:
    (job_id,) = queue_schedules("--run", NAME).split()[4:5]
    assert get_queue("embeddings").job_ids("waiting") == [job_id]
    assert queue_schedules("--run", NAME) == f"{NAME}: added as job {job_id} of embeddings\n"
    Scheduler().tick()
    header, *rows = queue_schedules("--history", NAME).splitlines()
    assert header.split() == ["slot", "at", "job", "what"]
    assert [row.split(job_id)[1].strip() for row in rows] == ["1 skipped: it still waited", "by hand", "by hand"]
    assert [run["slots"] for run in json.loads(queue_schedules("--history", NAME, "--json"))] == [1, 1, 1]


def test_a_disabled_one_shows_so_until_it_is_enabled() -> None:
    assert queue_schedules("--disable", NAME) == f"{NAME}: disabled\n"
    (row,) = [line for line in queue_schedules().splitlines() if line.startswith(NAME)]
    assert row.split()[-3:] == ["-", "-", "disabled"]
    Scheduler().tick()
    assert [job.name for job in get_queue("embeddings").jobs("waiting")] == ["count-embeddings"], "another's"
    assert queue_schedules("--enable", NAME) == f"{NAME}: enabled\n"
    assert not get_schedule(NAME).is_disabled


@pytest.mark.parametrize("option", ["--run", "--disable", "--enable", "--history"])
def test_an_unknown_name_is_refused_with_those_that_exist(option: str) -> None:
    with pytest.raises(CommandError, match="Unknown schedule 'nope': there are clean-queues, count-embeddings, sweep-embeddings"):
        queue_schedules(option, "nope")


def test_one_thing_at_a_time() -> None:
    with pytest.raises(CommandError, match="not allowed with argument"):
        queue_schedules("--run", NAME, "--disable", NAME)


def test_redis_away_is_one_sentence(settings) -> None:
    settings.RQ_QUEUES = {"embeddings": {"URL": "redis://127.0.0.1:1/0"}}
    for arguments in ((), ("--run", NAME), ("--history", NAME)):
        with pytest.raises(CommandError, match="Redis did not answer"):
            queue_schedules(*arguments)
