"""What runs beside `manage.py` and sets Django up by itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ["benchmarks.admin", "benchmarks.latency", "benchmarks.queue", "benchmarks.reconcile", "tests.browser.screenshots"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_needs_no_settings_to_begin(program: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([sys.executable, "-c", f"import {program}"], cwd=ROOT, env=environment, check=True, timeout=60)
