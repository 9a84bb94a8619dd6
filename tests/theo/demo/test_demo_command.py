"""The whole demo as processes, on the tests' own database; and what it says when it cannot run."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from queues import get_workers
from tests.processes import free_port, wait_until
from theo.demo.processes import ManageProcess
from theo.demo.site import is_port_free
from theo.embedded.paths import database_url

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def environment(settings, empty_queue, tmp_path):
    """The project's own settings, with the tests' database instead of the developer's."""
    url = urlsplit(os.environ.get("DATABASE_URL") or database_url(settings.THEO_DATA_DIR))
    name = connection.settings_dict["NAME"]
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "theo.settings",
        "DEBUG": "1",
        "DATABASE_URL": url._replace(path=f"/{name}").geturl(),
        "REDIS_URL": settings.REDIS_URL,
        "THEO_DATA_DIR": str(tmp_path),
        "EMBEDDINGS_PROVIDER": "local",
    }


def test_once_loads_embeds_and_finds_a_second_time_finds_again_and_what_is_not_found_is_status_1(environment):
    first = demo(environment, "--once", "--places", "300", "--password", "correct horse")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Admin user: admin   Password: correct horse" in first.stdout
    assert "Cities: 300 saved, 0 were there." in first.stdout
    assert int(re.search(r"Embedded: (\d+) entities", first.stdout)[1]) >= 360
    assert re.search(r"heart doctor +0\.\d\d +person +Dr\. Eva Nagy", first.stdout)
    assert re.search(r"place to eat pasta +0\.\d\d +place +Trattoria Nonna Lucia", first.stdout)
    second = demo(environment, "--once", "--places", "300")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Sample data: 0 entities saved" in second.stdout
    assert "Embedded: everything was already." in second.stdout
    assert "entities/s" not in first.stderr + second.stderr, "no progress bar where no terminal is"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE context_person SET deleted_at = now() WHERE name = 'Dr. Eva Nagy'")
    third = demo(environment, "--once")
    assert third.returncode == 1
    assert "did not find what it should" in third.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_site_is_served_until_it_is_stopped_or_killed_and_its_processes_with_it(environment, number):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(port)],
        cwd=ROOT, env={**environment, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        lines = iter(process.stdout.readline, "")
        assert any(f"http://127.0.0.1:{port}/admin/" in line for line in lines)
        assert "Theo" in urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/").read().decode()
        wait_until(get_workers, timeout_seconds=60)
        process.send_signal(number)
        if number == signal.SIGTERM:
            assert "Stopped." in process.stdout.read()
            assert process.wait(60) == 0
        wait_until(lambda: not get_workers() and is_port_free(port), timeout_seconds=60)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_busy_port_is_said_before_anything_is_done():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(CommandError, match="is in use"):
            call_command("demo", port=busy.getsockname()[1])


@override_settings(DEBUG=False, THEO_EMBEDDED=False)
def test_it_runs_on_no_production_site():
    with pytest.raises(CommandError, match="only with DEBUG=1"):
        call_command("demo", once=True)


@pytest.mark.parametrize("arguments", [["--places", "0"], ["--places", "many"], ["--port", "99999"]])
def test_numbers_that_make_no_sense_are_refused(arguments):
    with pytest.raises(CommandError, match="argument --"):
        call_command("demo", *arguments)


def test_a_command_that_fails_is_described_with_the_end_of_its_log(tmp_path):
    with ManageProcess("no_such_command", log=tmp_path / "logs" / "command.log") as process:
        process.process.wait(60)
        assert process.exit_status == 1
        assert "Unknown command: 'no_such_command'" in process.describe_end()


def demo(environment, *arguments):
    return subprocess.run(
        [sys.executable, "manage.py", "demo", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180
    )
