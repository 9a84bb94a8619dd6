"""Everything at once on one queue, for some seconds; then each job must be in one place, and each place must tell the truth."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator

import redis

from queues import Debounce, RetryLater, add_job, get_queue
from queues.operations.selection import ACTIONS, Selection
from queues.store import keys, scripts
from queues.store.fields import rq_time
from queues.store.finding.filters import Filter
from queues.worker.claimer import Claimer, Room
from queues.worker.claims import Claim
from queues.worker.leases import renew
from queues.worker.outcomes import Kind, Outcome, completed, failed
from queues.worker.settling import settle
from tests.testapp.jobs import QUEUE

SECONDS = 8.0
THREADS = 8
OWN_LEASE_SECONDS = 1
IDS = [f"chosen-{number}" for number in range(20)]


class Racer(threading.Thread):
    """A caller and a worker in one: adds, claims, settles, and does to jobs what an operator can."""

    def __init__(self, number: int, until: float) -> None:
        super().__init__()
        self.dice = random.Random(number)
        self.until = until
        self.queue = get_queue(QUEUE)
        self.worker = f"racer-{number}"
        self.claimer = Claimer(worker=self.worker, lease_seconds=OWN_LEASE_SECONDS)
        self.held: list[Claim] = []
        self.error: BaseException | None = None
        self.moves = (
            [self.add] * 8 + [self.claim] * 4 + [self.settle] * 4 + [self.operate] * 6 + [self.keep, self.steer, self.operate_on_many]
        )

    def run(self) -> None:
        try:
            while time.monotonic() < self.until:
                self.dice.choice(self.moves)()
        except BaseException as error:
            self.error = error

    def add(self) -> None:
        dice = self.dice
        options = {"priority": dice.choice([0, 0, -1, 5]), "delay": dice.choice([None, None, 0.05, 60])}
        match dice.randrange(4):
            case 0:
                options["job_id"] = dice.choice(IDS)
            case 1:
                options["dedupe"] = f"key-{dice.randrange(8)}"
            case 2:
                options |= {"dedupe": Debounce(f"window-{dice.randrange(4)}", 0.05), "delay": None}
            case 3:
                options |= {"keep_completed": dice.choice([None, 0, 3]), "keep_failed": dice.choice([None, 0, 3])}
        if dice.random() < 0.5:
            add_job(QUEUE, "greet", {"name": "Ann"}, **options)
        else:
            add_job(QUEUE, "mail", {"user_id": dice.randrange(5), "subject": "hello"}, **options)

    def claim(self) -> None:
        units, _ = self.claimer.claim(self.queue.connection, [Room(queue=QUEUE, units=self.dice.randint(1, 6))])
        self.held += [claim for unit in units for claim in unit.claims]

    def settle(self) -> None:
        self.dice.shuffle(self.held)
        now, self.held = self.held[:4], self.held[4:]
        settle(self.queue.connection, self.worker, [self.outcome(claim) for claim in now if self.dice.random() < 0.95])

    def outcome(self, claim: Claim) -> Outcome:
        match self.dice.randrange(5):
            case 0:
                return Outcome(claim=claim, kind=Kind.BACK)
            case 1:
                return failed(claim, RetryLater(self.dice.choice([0, 0.05, 60])))
            case 2:
                return failed(claim, ValueError("no luck"))
            case 3:
                return Outcome(claim=claim, kind=Kind.RETRY, delay_seconds=self.dice.choice([0, 0.05]), error=ValueError("again"))
        return completed(claim, self.dice.choice([None, "done"]))

    def operate(self) -> None:
        job_id = self.dice.choice(
            IDS + [claim.id for claim in self.held] + self.queue.job_ids("waiting", 0, 3) + self.queue.job_ids("delayed", 0, 3)
        )
        self.dice.choice([self.queue.cancel, self.queue.promote, self.queue.remove, self.queue.retry])(job_id)

    def operate_on_many(self) -> None:
        """As the admin does with all that match, which may have changed since it looked."""
        action, state = self.dice.choice([(action, state) for action in ACTIONS.values() for state in action.states])
        wanted = self.dice.choice([Filter(), Filter(name="mail"), Filter(owner="2"), Filter(name="greet", error_class="ValueError")])
        ids = Selection(queue=self.queue, state=state, wanted=wanted).ids()
        sum(action.run(self.queue, self.dice.sample(ids, min(len(ids), 40)), state))

    def keep(self) -> None:
        if self.dice.random() < 0.5:
            renew(self.queue.connection, self.worker, self.held)
        else:
            scripts.reap(self.queue.connection, QUEUE, 1, "500:", "JobStalled: gone", "JobStalled", rq_time(time.time()))

    def steer(self) -> None:
        match self.dice.randrange(8):
            case 0:
                self.queue.drain(delayed=self.dice.random() < 0.5)
            case 1 | 2:
                self.queue.retry_failed()
            case 3:
                self.queue.clean(0, limit=5)
            case 4:
                self.queue.pause()
            case _:
                self.queue.resume()


def test_whatever_is_done_at_once_each_job_is_in_one_place_that_its_status_names(connection: redis.Redis) -> None:
    until = time.monotonic() + SECONDS
    racers = [Racer(number, until) for number in range(THREADS)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [racer.error for racer in racers] == [None] * THREADS
    assert get_queue(QUEUE).stats().completed_total > 100, "the race was one"

    places = list(where(connection))
    assert not [job_id for job_id, count in Counter(job_id for job_id, _ in places).items() if count > 1]
    hashes = {key.decode().removeprefix("rq:job:") for key in connection.scan_iter("rq:job:*", count=1000)}
    assert hashes == {job_id for job_id, _ in places}
    statuses = {job_id: (connection.hget(keys.job(job_id), "status") or b"").decode() for job_id in hashes}
    assert not [(job_id, status, statuses[job_id]) for job_id, status in places if statuses[job_id] != status]
    for key in connection.scan_iter("rq:ext:*:dedupe:*", count=1000):
        assert statuses[connection.get(key).decode()] in ("queued", "scheduled"), f"{key} is held by a job that waits for nothing"
        assert 0 < connection.ttl(key) <= 604_861

    assert set(indexed(connection)) == set(to_be_indexed(connection))

    get_queue(QUEUE).drain(delayed=True)
    assert not connection.exists(f"rq:ext:{QUEUE}:turns", keys.prioritized(QUEUE)), "turns are kept only while somebody waits"
    assert not list(connection.scan_iter("rq:ext:*:dedupe:*", count=1000))


def indexed(connection: redis.Redis) -> Iterator[tuple[str, str]]:
    """Every entry of the index: its key, and the job's id."""
    for key in connection.scan_iter(f"rq:ext:{QUEUE}:by:*", count=1000):
        yield from ((key.decode().split(":by:")[1], member.decode()) for member in connection.zrange(key, 0, -1))


def to_be_indexed(connection: redis.Redis) -> Iterator[tuple[str, str]]:
    """The same, as the jobs themselves tell."""
    for key in connection.scan_iter("rq:job:*", count=1000):
        facts = {field.decode(): value for field, value in connection.hgetall(key).items()}
        for kind, field in (("name", "name"), ("owner", "owner"), ("error", "error_class")):
            value = facts.get(field, b"").decode()
            if value and (kind != "error" or facts["status"] == b"failed"):
                yield f"{kind}:{value}", key.decode().removeprefix("rq:job:")


def where(connection: redis.Redis) -> Iterator[tuple[str, str]]:
    """Every job id in every place, with the status that belongs to the place."""
    for place, status in ((keys.waiting(QUEUE), "queued"),):
        yield from ((job_id.decode(), status) for job_id in connection.lrange(place, 0, -1))
    sets = {
        keys.prioritized(QUEUE): "queued",
        keys.delayed(QUEUE): "scheduled",
        keys.completed(QUEUE): "finished",
        keys.failed(QUEUE): "failed",
    }
    for place, status in sets.items():
        yield from ((job_id.decode(), status) for job_id in connection.zrange(place, 0, -1))
    yield from ((member.decode().rpartition(":")[0], "started") for member in connection.zrange(keys.leases(QUEUE), 0, -1))
