"""Pages of jobs: stable while jobs come and go, filtered by index, looked through for texts."""

from __future__ import annotations

import pytest
from redis import Redis

from queues import State, add_job, add_jobs, get_job, get_queue, remove_job, retry_job
from queues.store.finding import matching, pages
from queues.store.finding.cursors import BEGINNING, Cursor, Order
from queues.store.finding.filters import Filter
from queues.store.finding.matching import matching_ids
from queues.store.finding.pages import read_page
from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE


def add(count: int, *, name: str = "greet", start: int = 0, **options: object) -> list[str]:
    added = add_jobs(QUEUE, [(name, {"name": f"n{start + number}"}) for number in range(count)], **options)
    return [job.id for job in added]


def walk(state: State, wanted: Filter = pages.ALL, *, order: Order = Order.FIRST, size: int = 7) -> list[str]:
    found: list[str] = []
    cursor: Cursor | None = BEGINNING
    while cursor is not None:
        page = read_page(get_queue(QUEUE), state, wanted, order=order, cursor=Cursor.parse(str(cursor)), size=size)
        found += [job.id for job in page.jobs]
        cursor = page.next
    return found


@pytest.mark.parametrize("order", Order)
def test_every_waiting_job_is_on_one_page_in_the_order_of_running(order: Order) -> None:
    plain, late, urgent = add(20), add(20, priority=5), add(20, priority=-5)
    expected = [*urgent, *plain, *late]
    assert walk(State.WAITING, order=order) == (expected if order is Order.FIRST else expected[::-1])


def test_one_walks_back_as_one_came() -> None:
    ids = add(20)
    queue = get_queue(QUEUE)
    first = read_page(queue, State.WAITING, size=8)
    second = read_page(queue, State.WAITING, cursor=first.next, size=8)
    third = read_page(queue, State.WAITING, cursor=second.next, size=8)
    assert ([len(page.jobs) for page in (first, second, third)], third.next, first.previous) == ([8, 8, 4], None, None)
    back = read_page(queue, State.WAITING, cursor=third.previous, size=8)
    assert [job.id for job in back.jobs] == ids[8:16]
    assert (back.offset, back.total, str(back.next)) == (8, 20, str(second.next))


def test_jobs_that_end_meanwhile_do_not_shift_the_next_page() -> None:
    add(10, name="fail", attempts=1)
    run_jobs(QUEUE)
    queue = get_queue(QUEUE)
    first = read_page(queue, State.FAILED, order=Order.LAST, size=5)
    add(10, name="fail", start=10, attempts=1)
    run_jobs(QUEUE)
    second = read_page(queue, State.FAILED, order=Order.LAST, cursor=first.next, size=50)
    assert {job.data["name"] for job in (*first.jobs, *second.jobs)} == {f"n{number}" for number in range(10)}
    assert second.next is None and second.previous is not None


def test_an_anchor_that_is_gone_skips_nobody() -> None:
    ids = add(10, delay=60)
    queue = get_queue(QUEUE)
    first = read_page(queue, State.DELAYED, size=4)
    remove_job(first.jobs[-1].id)
    second = read_page(queue, State.DELAYED, cursor=first.next, size=50)
    assert set(ids[4:]) <= {job.id for job in second.jobs}


def test_a_page_can_be_opened_at_an_offset() -> None:
    ids = add(30)
    page = read_page(get_queue(QUEUE), State.WAITING, cursor=Cursor(offset=19), size=5)
    assert [job.id for job in page.jobs] == ids[20:25]
    assert page.offset == 20


def test_name_owner_and_error_class_are_found_by_an_index(connection: Redis) -> None:
    mine = [add_job(QUEUE, "mail", {"user_id": 7, "subject": f"n{number}"}).id for number in range(3)]
    add(300)
    assert sorted(walk(State.WAITING, Filter(owner="7"))) == sorted(mine)
    page = read_page(get_queue(QUEUE), State.WAITING, Filter(name="mail"))
    assert (len(page.jobs), page.looked, page.total) == (3, 3, 3), "the others were not looked at"
    failing = add(2, name="fail", attempts=1)
    run_jobs(QUEUE)
    assert sorted(walk(State.FAILED, Filter(error_class="ValueError"))) == sorted(failing)
    retry_job(failing[0])
    assert walk(State.FAILED, Filter(error_class="ValueError")) == [failing[1]]
    for job_id in failing:
        remove_job(job_id)
    get_queue(QUEUE).clean(0)
    assert connection.keys("rq:ext:*:by:*") == [], "an index goes with its jobs"


def test_a_text_is_looked_for_part_by_part_and_says_how_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "TEXT_PART", 10)
    monkeypatch.setattr(pages, "TEXT_LOOK", 30)
    ids = add(100)
    queue = get_queue(QUEUE)
    page = read_page(queue, State.WAITING, Filter(text="n4"), size=5)
    assert ([job.id for job in page.jobs], page.looked, page.total) == ([ids[4]], 30, 100)
    rest = read_page(queue, State.WAITING, Filter(text="n4"), cursor=page.next, size=5)
    assert [job.id for job in rest.jobs] == ids[40:45]
    assert walk(State.WAITING, Filter(text="n4"), size=5) == [ids[4], *ids[40:50]]


def test_running_jobs_are_listed_by_their_leases(connection: Redis) -> None:
    ids = add(3)
    for number, job_id in enumerate(ids):
        connection.lrem(f"rq:queue:{QUEUE}", 0, job_id)
        connection.hset(f"rq:job:{job_id}", "status", "started")
        connection.zadd(f"rq:ext:{QUEUE}:lease", {f"{job_id}:1-1-1": number})
    assert walk(State.ACTIVE, size=2) == ids
    assert walk(State.ACTIVE, Filter(name="greet"), size=2) == ids


def test_all_ids_that_fit_are_read_in_few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "LOOK", 40)
    ids = add(100)
    assert list(matching_ids(get_queue(QUEUE), State.WAITING)) == ids
    assert list(matching_ids(get_queue(QUEUE), State.WAITING, Filter(name="greet"))) == ids
    assert list(matching_ids(get_queue(QUEUE), State.WAITING, Filter(name="greet", text="n99"))) == [ids[99]]


@pytest.mark.parametrize("rubbish", ["", "x", "~~~~", "state~9e9~~~", "state~1~abc~~x", "~".join("abcde") * 50])
def test_a_cursor_of_rubbish_is_the_beginning(rubbish: str) -> None:
    ids = add(2)
    page = read_page(get_queue(QUEUE), State.WAITING, cursor=Cursor.parse(rubbish))
    assert [job.id for job in page.jobs] == ids


def test_a_job_that_was_replaced_by_a_debounced_one_is_found_by_its_new_name() -> None:
    from queues import Debounce

    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe=Debounce("one", 60))
    job = add_job(QUEUE, "give-up", {"name": "Ann"}, dedupe=Debounce("one", 60))
    assert walk(State.DELAYED, Filter(name="give-up")) == [job.id]
    assert walk(State.DELAYED, Filter(name="greet")) == []
    assert get_job(job.id).name == "give-up"
