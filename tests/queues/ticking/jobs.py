"""A schedule for real worker processes: only those started with the settings beside it know it."""

from queues import job, schedule
from tests.testapp.jobs import QUEUE, trace


@schedule(every=1)
@job(name="tick", queue=QUEUE)
def tick() -> None:
    trace("tick")
