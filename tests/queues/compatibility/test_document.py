"""docs/from-django-rq.md says what is true: its settings pass the checks, its code runs, its tests exist."""

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django_rq
import pytest
from django.conf import settings as project
from django.core import checks
from django.core.management import get_commands

from queues import get_jobs
from queues.jobs.registry import registry
from tests.testapp.jobs import QUEUE

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "from-django-rq.md").read_text()


def block(name: str) -> str:
    (found,) = re.findall(rf"```python {name}\n(.*?)```", TEXT, re.S)
    return found


def test_each_test_that_it_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    defined = {name for path in Path(__file__).parent.glob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())}
    assert len(named) > 25
    assert named <= defined


def test_its_settings_pass_the_system_checks(settings: Any) -> None:
    written: dict[str, Any] = {"INSTALLED_APPS": ["shop", "django_rq"]}  # as a project on django-rq has it
    exec(block("settings"), written)
    assert project.INSTALLED_APPS.index("queues") < project.INSTALLED_APPS.index("django_rq")
    assert written["INSTALLED_APPS"] == ["shop", "queues", "django_rq"]
    for name in ("RQ_QUEUES", "RQ", "RQ_SHOW_ADMIN_LINK", "QUEUES_ALLOWED_FUNCTIONS"):
        setattr(settings, name, written[name])
    settings.TASKS = {}
    found = [message for message in checks.run_checks() if str(message.id).startswith("queues.") and message.id != "queues.E007"]
    assert found == [], "E007 is about the tests' own jobs, whose queues this document does not have"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """The document's jobs.py, on the tests' queue."""
    module = types.ModuleType("shop.jobs")
    monkeypatch.setitem(sys.modules, "shop", types.ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.jobs", module)
    exec(block("job").replace('"emails"', f'"{QUEUE}"'), module.__dict__)
    yield module
    registry.unregister("send-receipt")


def test_its_code_runs(shop: types.ModuleType) -> None:
    exec(block("call").replace('"emails"', f'"{QUEUE}"'), {"django_rq": django_rq, "send_receipt": shop.send_receipt})
    assert [(job.name, job.data) for job in get_jobs(QUEUE, "waiting")] == [
        ("send-receipt", {"order_id": 7, "again": again}) for again in (False, True, False)
    ]


def test_every_command_of_django_rq_has_its_row() -> None:
    ours_or_theirs = {name for name, app in get_commands().items() if app in ("django_rq", "queues") and name.startswith("rq")}
    assert [name for name in ours_or_theirs if f"`{name}" not in TEXT] == []
