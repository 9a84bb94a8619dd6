"""From a job to the entity that it is about."""

from __future__ import annotations

from typing import Any

import pytest

from queues import Job
from queues.links import links_of


def job(name: str = "generate-embedding", queue: str = "embeddings", **data: Any) -> Job:
    return Job(id="1", name=name, queue=queue, data=data)


@pytest.mark.parametrize("name", ["generate-embedding", "delete-embedding"])
def test_a_job_about_one_entity_leads_to_its_page(name: str) -> None:
    (link,) = links_of(job(name, entity_type="country", entity_id="/_"))
    assert (link.text, link.url) == ("country /_", "/admin/testapp/country/_2F_5F/change/")


@pytest.mark.parametrize(
    "found",
    [
        job(entity_type="ship", entity_id="1"),
        job(entity_type="document", entity_id="1"),
        job(entity_type=["note"], entity_id="1"),
        job(entity_type="note", entity_id={"a": 1}),
        job(),
        job("sweep-embeddings", entity_type="note", entity_id="1"),
        job(queue="notifications", entity_type="note", entity_id="1"),
    ],
)
def test_what_is_about_no_entity_with_a_page_leads_nowhere(found: Job) -> None:
    assert links_of(found) == []
