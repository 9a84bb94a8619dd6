"""From the page of a job to the entity that it is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from embeddings.admin.addresses import address_of_entity
from embeddings.names import DELETE_EMBEDDING, EMBEDDINGS, GENERATE_EMBEDDING
from queues import Job
from queues.links import Link, job_link


@job_link
def entity_of(job: Job) -> Iterator[Link]:
    """The entity's own page, of jobs that are about a single one. The payload may be anybody's."""
    data: Any = job.data
    if job.queue != EMBEDDINGS or job.name not in (GENERATE_EMBEDDING, DELETE_EMBEDDING) or not isinstance(data, dict):
        return
    entity_type, entity_id = data.get("entity_type"), data.get("entity_id")
    if isinstance(entity_type, str) and isinstance(entity_id, str) and (url := address_of_entity(entity_type, entity_id)):
        yield Link(f"{entity_type} {entity_id}", url)
