"""Names that differ between `django.tasks` and the package django-tasks, for tests."""

try:
    from django.tasks import task_backends
    from django.tasks.exceptions import InvalidTask, TaskResultMismatch
except ImportError:
    from django_tasks import task_backends
    from django_tasks.exceptions import InvalidTaskError as InvalidTask
    from django_tasks.exceptions import TaskResultMismatch

__all__ = ["InvalidTask", "TaskResultMismatch", "task_backends"]
