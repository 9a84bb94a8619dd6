"""Django signals of the job system. Each is sent where it happens; a receiver that raises is logged and harms no job.

In the caller: `added(sender=Job, job)` when Redis has a new job; `paused` and `resumed(sender=Queue, queue)`;
`publish_failed(sender=Job, jobs, error)` when jobs of a committed transaction could not reach Redis. A job cancelled before it ran
sends `dead` in the caller, too.

In the worker, all with sender=Job: `started(job)` and `progressed(job, progress)` in the job's thread; after the settlement was
accepted `completed(job, error=None)`, `retried(job, error)`, `failed(job, error)` (each failed attempt) and `dead(job, error)` (final,
whatever the reason); `stalled(job)`; and `worker_error(worker, error)` when the worker
of that name itself met trouble.
"""

from django.dispatch import Signal

added = Signal()
paused = Signal()
resumed = Signal()
publish_failed = Signal()
started = Signal()
progressed = Signal()
completed = Signal()
retried = Signal()
failed = Signal()
dead = Signal()
stalled = Signal()
worker_error = Signal()
