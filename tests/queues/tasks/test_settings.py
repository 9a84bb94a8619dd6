"""Configuration: what is checked, what is refused, and that nothing of it is needed."""

import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from queues.jobs.registry import registry
from queues.tasks import QueuesBackend
from queues.tasks.definition import discover, find
from tests.queues.conftest import ROOT
from tests.queues.tasks.interface import task_backends
from tests.testapp import tasks
from tests.testapp.jobs import QUEUE

WITHOUT = """
import importlib.util, sys
hidden = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in ("django.tasks", "django_tasks") else hidden(name, *rest)
import queues, queues.tasks, queues.publish, queues.jobs.registry
assert "django_tasks" not in sys.modules and "django.tasks" not in sys.modules
from django.core.exceptions import ImproperlyConfigured
try:
    queues.tasks.QueuesBackend
except ImproperlyConfigured as error:
    print(error)
"""


def test_the_backend_says_what_it_can() -> None:
    backend = task_backends["default"]
    assert isinstance(backend, QueuesBackend)
    assert (backend.alias, backend.attempts, backend.timeout_seconds) == ("default", 1, 180)
    assert backend.supports_defer and backend.supports_priority and backend.supports_get_result and backend.supports_async_task


def test_a_correct_backend_has_nothing_to_report() -> None:
    assert [message for backend in task_backends.all() for message in backend.check()] == []


def test_a_queue_that_rq_queues_lacks_is_reported_by_the_check_command(settings) -> None:
    settings.TASKS = {"default": {"BACKEND": "queues.tasks.QueuesBackend", "QUEUES": [QUEUE, "mails"]}}
    (error,) = task_backends["default"].check()
    assert (error.id, "'mails'" in error.msg, "Add it to RQ_QUEUES" in error.hint) == ("queues.E008", True, True)
    with pytest.raises(SystemCheckError, match=r"queues\.E008"):
        call_command("check")


@pytest.mark.parametrize("options", [{"attempts": 0}, {"attempts": "3"}, {"attempts": True}, {"timeout": 0.5}, {"attemps": 3}])
def test_an_option_that_is_wrong_or_unknown_is_refused(settings, options: dict[str, Any]) -> None:
    settings.TASKS = {"default": {"BACKEND": "queues.tasks.QueuesBackend", "QUEUES": [QUEUE], "OPTIONS": options}}
    with pytest.raises(ImproperlyConfigured, match=r"TASKS\['default'\]\['OPTIONS'\] has .* Known are 'attempts' and 'timeout'"):
        _ = task_backends["default"]


def test_a_task_whose_default_backend_is_another_is_known_to_the_worker_all_the_same() -> None:
    registry.unregister("tests.testapp.tasks.note")
    discover()
    definition = find("tests.testapp.tasks.note")
    assert definition is not None and definition.task == tasks.note


def test_queues_works_without_any_task_interface_and_the_backend_says_which_to_install() -> None:
    run = subprocess.run([sys.executable, "-W", "error", "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "queues.tasks needs Django 6.0, or the package django-tasks before it: pip install 'django-tasks>=0.12'."


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import queues.tasks

    with pytest.raises(AttributeError, match="has no attribute 'Backend'"):
        _ = queues.tasks.Backend
