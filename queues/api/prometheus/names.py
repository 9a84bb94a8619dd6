"""Which job names become labels: those that are registered, and of others so many that the series have an end."""

from __future__ import annotations

from collections.abc import Mapping

from queues.jobs.registry import registry
from queues.store.metrics import Tally

OTHERS = "(others)"
"""Also what counting.lua counts under when a queue has too many names."""
MOST_OTHERS = 50
"""Names that are not registered here: those of older code, of another project, or a stranger's."""
LONGEST = 100


def capped(counts: Mapping[str, Tally], queue: str) -> dict[str, Tally]:
    """Per name what was counted, 0 for registered jobs that never ran: so that the first failure is an increase."""
    known = {job.name for job in registry if job.queue == queue}
    kept = known | set(sorted(name for name in counts if name not in known and len(name) <= LONGEST and name != OTHERS)[:MOST_OTHERS])
    found = {name: counts.get(name, Tally()) for name in sorted(kept)}
    others = sum((tally for name, tally in counts.items() if name not in kept), Tally())
    return found | ({OTHERS: others} if others != Tally() else {})
