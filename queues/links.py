"""Links from a job to what it is about, filled by any app that knows.

    from queues.links import Link, job_link

    @job_link
    def invoice(job):
        if job.name == "send-invoice":
            yield Link("the invoice", reverse("admin:shop_invoice_change", args=[job.data["invoice_id"]]))

Put it where Django imports it at the start, such as in `jobs.py`. The function is called when the page of a job is rendered, for every
job, so it returns nothing for those that it does not know. Its `job.data` is the payload as it is stored, which may be of an older
version or not of ours: an error is logged, and shows as no link.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from queues.jobs.job import Job

log = logging.getLogger("queues.links")

SAFE = ("/", "http://", "https://", "mailto:")
"""How an address may begin: what comes from a payload must not become a script."""


@dataclass(frozen=True)
class Link:
    text: str
    url: str


LinkFunction = Callable[[Job], Iterable[Link] | None]
F = TypeVar("F", bound=LinkFunction)

_functions: list[LinkFunction] = []


def job_link(function: F) -> F:
    """Registers a function from a job to its links. It is called in the order of registration, once however often it is registered."""
    if function not in _functions:
        _functions.append(function)
    return function


def unregister(function: LinkFunction) -> None:
    _functions.remove(function)


def links_of(job: Job) -> list[Link]:
    """What all functions know of the job; never raises."""
    return [link for function in _functions for link in _ask(function, job)]


def _ask(function: LinkFunction, job: Job) -> list[Link]:
    try:
        return [link for link in function(job) or () if str(link.url).startswith(SAFE)]
    except Exception:
        log.exception("%s.%s found no links of job %s", function.__module__, getattr(function, "__qualname__", "?"), job.id)
        return []
