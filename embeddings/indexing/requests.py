"""Groups of plans to the provider, several at a time: threads for the requests alone, all database work stays in the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from embeddings.indexing.asking import Answers, embed
from embeddings.indexing.plans import Plan
from embeddings.providers import Provider

LOOK_SECONDS = 0.5
"""How often the waiting thread runs Python code, so that a deadline or a cancellation can strike it."""

Answered = tuple[list[Plan], Answers]
Ask = Callable[[Iterable[Plan]], Answers]


def ask(groups: Iterable[list[Plan]], provider: Provider, *, deadline: float, in_flight: int = 1) -> Iterator[Answered]:
    """Each group with its answers, in the order in which they come. `deadline` is by the monotonic clock.

    A group is taken from `groups` when its request can leave. After an error, theirs or the provider's, none leaves any more; it is
    raised when those under way have been answered, as they are paid for: also the group that failed comes with what was answered.
    """

    def request(group: Iterable[Plan]) -> Answers:
        return embed([text for plan in group for text in plan.wanted], provider, deadline=deadline)

    return _ask_together(iter(groups), request, in_flight) if in_flight > 1 else _ask_in_turn(groups, request)


def _ask_in_turn(groups: Iterable[list[Plan]], request: Ask) -> Iterator[Answered]:
    for group in groups:
        answers = request(group)
        yield group, answers
        if answers.trouble:
            raise answers.trouble


def _ask_together(groups: Iterator[list[Plan]], request: Ask, in_flight: int) -> Iterator[Answered]:
    executor = ThreadPoolExecutor(in_flight, thread_name_prefix="embeddings")
    under_way: dict[Future[Answers], list[Plan]] = {}
    errors: list[Exception] = []
    try:
        while True:
            try:
                while not errors and len(under_way) < in_flight and (group := next(groups, None)):
                    under_way[executor.submit(request, group)] = group
            except Exception as error:
                errors.append(error)
            if not under_way:
                break
            for future in wait(under_way, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED).done:
                answers = future.result()
                errors += [answers.trouble] if answers.trouble else []
                yield under_way.pop(future), answers
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    if errors:
        raise errors[0]
