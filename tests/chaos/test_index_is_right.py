"""Thousands of random changes over three owners while workers are killed at random and Redis is restarted once: at the end the index
is right, and no search on the way found what it must not.

EMBEDDINGS_CHAOS_OPERATIONS says how many (`make chaos`: 20,000), CHAOS_SEED repeats the dice of a run.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from embeddings import retry_parked
from embeddings.models import DirtyEntity, FanOut
from embeddings.reconciling.report import OPEN, WRONG
from queues import get_queue
from tests.chaos.changes import Changes
from tests.chaos.installation import Installation
from tests.chaos.keys import Keys
from tests.chaos.searcher import Searcher
from tests.chaos.truth import assert_index_is_right, lost, wrong

OPERATIONS = int(os.environ.get("EMBEDDINGS_CHAOS_OPERATIONS", "1000"))
THREADS = 3
SECONDS_BETWEEN_KILLS = (1.0, 4.0)
SECONDS_BETWEEN_LOOKS = 2.0


@contextmanager
def signals() -> Iterator[None]:
    yield


@contextmanager
def triggers() -> Iterator[None]:
    """Installed for this test, and signals off, here and in the workers."""
    call_command("embeddings_triggers", "install", verbosity=0, stdout=StringIO())
    try:
        with override_settings(EMBEDDINGS_SIGNALS=False):
            yield
    finally:
        call_command("embeddings_triggers", "remove", verbosity=0, stdout=StringIO())


@pytest.mark.parametrize("capture", [signals, triggers])
def test_the_index_is_right_after_chaos(home: Installation, capture: Callable[[], Any], capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(1_000_000)))
    with capsys.disabled():
        print(f"\nCHAOS_SEED={seed}, {capture.__name__}, {OPERATIONS:,} operations")  # noqa: T201
    with capture():
        chaos = Chaos(home, seed, captures_everything=capture is triggers)
        try:
            chaos.run()
            chaos.settle()
        finally:
            chaos.stop()
        assert not chaos.searcher.wrong, chaos.searcher.wrong[:10]
        assert chaos.searcher.hits > chaos.searcher.searches, "the searches found next to nothing"
        assert_index_is_right()
        assert status_counts() == {}
        chaos.assert_only_stalls_died()
        assert not [reason for reason in chaos.failed() if "embeddings_" in reason], "no saver is a victim of ours"
        with capsys.disabled():
            print(chaos.figures())  # noqa: T201


class Chaos:
    """Savers, a searcher, workers, and who kills these."""

    def __init__(self, home: Installation, seed: int, *, captures_everything: bool) -> None:
        self.home, self.dice = home, random.Random(seed)
        self.captures_everything = captures_everything
        self.environment = {"CHAOS_SIGNALS": "0" if captures_everything else "1"}
        owners = [User.objects.create_user(name) for name in ("ann", "bob", "cyd")]
        self.keys = Keys()
        self.savers = [Changes(owners, self.keys, random.Random(self.dice.random())) for _ in range(THREADS)]
        self.threads = [threading.Thread(target=saver.make, args=[OPERATIONS // THREADS]) for saver in self.savers]
        self.searcher = Searcher(owners, random.Random(self.dice.random()))
        self.kills = self.redis_restarts = self.looks = self.stalled = 0
        self.seconds_of_changes = self.seconds_until_right = 0.0
        home.start_workers(2, **self.environment)

    def run(self) -> None:
        started = time.monotonic()
        for thread in (*self.threads, self.searcher):
            thread.start()
        next_kill = next_look = started + 1.0
        while any(thread.is_alive() for thread in self.threads):
            if time.monotonic() >= next_kill and self.home.all_work():
                next_kill = time.monotonic() + self.dice.uniform(*SECONDS_BETWEEN_KILLS)
                self.kill_a_worker()
            if time.monotonic() >= next_look:
                self.assert_nothing_is_lost()
                next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
            if not self.redis_restarts and sum(self.made().values()) > OPERATIONS // 2:
                self.restart_redis()
            self.home.replace_those_that_gave_up()
            time.sleep(0.1)
        self.seconds_of_changes = time.monotonic() - started
        assert self.kills and self.redis_restarts and self.looks

    def assert_nothing_is_lost(self) -> None:
        """Invariant I1, in the midst of it: what is captured and not yet right is owed."""
        found = lost()
        unseen = set() if self.captures_everything else self.keys.unseen
        unowed = {entity: problem for entity, problem in found.items() if entity not in unseen}
        assert not unowed, unowed
        self.looks += 1

    def kill_a_worker(self) -> None:
        self.home.kill_worker(self.dice.randrange(len(self.home.workers)))
        self.kills += 1
        self.home.add_worker(**self.environment)

    def restart_redis(self) -> None:
        self.redis_restarts += 1
        self.home.redis.kill()
        self.home.redis.start()

    def settle(self) -> None:
        """What an operator does: retry what is parked as stalled, sync, and let the workers work."""
        started = time.monotonic()
        self.home.wait_until_served(timeout_seconds=120)
        self.retry_stalled()
        self.assert_nothing_is_wrong_where_all_is_captured()
        call_command("embeddings_sync", "--full", verbosity=0, stdout=StringIO())
        self.home.wait_until_served(timeout_seconds=120)
        self.seconds_until_right = time.monotonic() - started

    def stop(self) -> None:
        for saver in self.savers:
            saver.is_over.set()
        for thread in self.threads:
            thread.join()
        self.searcher.stop()

    def assert_nothing_is_wrong_where_all_is_captured(self) -> None:
        """Only what no signal told of is left to the sync."""
        unseen = set() if self.captures_everything else self.keys.unseen
        left = {entity: problem for entity, problem in wrong().items() if entity not in unseen}
        assert not left, left

    def retry_stalled(self) -> None:
        """A job that lost its worker twice is dead, and what it was for is parked: nothing else may be."""
        for table in (DirtyEntity, FanOut):
            reasons = set(table.objects.parked().values_list("parked_reason", flat=True))
            assert all("JobStalled" in reason for reason in reasons), reasons
        self.stalled = retry_parked()
        self.home.wait_until_served(timeout_seconds=120)

    def assert_only_stalls_died(self) -> None:
        """Invariant I5: nothing was charged but what died with its workers, again and again."""
        queue = get_queue("embeddings")
        assert {job.error_class for job in queue.jobs("failed")} <= {"JobStalled"}
        charged = [(job.name, job.attempts_made, job.stalls) for job in queue.jobs("completed") if job.attempts_made > 1]
        assert not charged, charged

    def made(self) -> dict[str, int]:
        return dict(sum((saver.made for saver in self.savers), start=type(self.savers[0].made)()))

    def failed(self) -> dict[str, int]:
        return dict(sum((saver.failed for saver in self.savers), start=type(self.savers[0].failed)()))

    def figures(self) -> str:
        operations = sum(self.made().values())
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), sum(chunks) FROM embeddings_embeddingstate WHERE status = 'embedded'")
            embedded, chunks = cursor.fetchone()
            cursor.execute("SELECT last_value FROM embeddings_version_seq")
            versions = cursor.fetchone()[0]
        return (
            f"{operations:,} operations in {self.seconds_of_changes:.1f} s ({operations / self.seconds_of_changes:,.0f} a second), "
            f"{self.failed() or 'none'} failed; {self.kills} workers killed, Redis restarted {self.redis_restarts} time, "
            f"{self.stalled} entities parked as stalled; "
            f"{self.searcher.searches:,} searches with {self.searcher.hits:,} hits, all right; "
            f"right {self.seconds_until_right:.1f} s after the last change; {embeddings_made():,} embeddings made, "
            f"{embedded:,} entities with {chunks:,} chunks at the end, {versions:,} versions given"
        )


def embeddings_made() -> int:
    """Vectors written, by PostgreSQL's own count."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = 'embeddings_embedding'")
        return int(cursor.fetchone()[0])


def status_counts() -> dict[str, int]:
    """What `embeddings_status --json` counts of all that can be wrong or open, by entity type; empty where each is zero."""
    out = StringIO()
    call_command("embeddings_status", "--json", stdout=out)
    types = json.loads(out.getvalue())["types"]
    assert {"note", "article", "document"} <= {row["entity_type"] for row in types}
    return {f"{row['entity_type']} {name}": row[name] for row in types for name in (*WRONG, *OPEN, "failing") if row[name]}
