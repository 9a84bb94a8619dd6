"""Django signals of the job system. Each is sent where it happens; a receiver that raises is logged and harms no job.

In the caller: `publish_failed(sender, jobs, error)` when jobs of a committed transaction could not reach Redis.
In the worker, after the settlement was accepted: `completed`, `retried`, `failed` (each failed attempt) and `dead`
(final, whatever the reason), each `(sender=Job, job, error)`; `error` is None for `completed`. `stalled(sender=Job, job)`.
"""

from django.dispatch import Signal

publish_failed = Signal()
completed = Signal()
retried = Signal()
failed = Signal()
dead = Signal()
stalled = Signal()
