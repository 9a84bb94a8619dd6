"""What `make` says where something is wrong: one sentence with the cause, in a folder without anything of ours but the Makefile."""

import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[1] / "Makefile"


def said_by_make(folder: Path, *arguments: str) -> list[str]:
    """What it says on its standard error before its own last line, "make: *** ... Error 1"."""
    command = ["make", "--no-print-directory", "-f", str(MAKEFILE), f"PYTHON={sys.executable}", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    return result.stderr.splitlines()[:-1]


def test_a_folder_where_no_environment_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / ".venv").touch()
    (sentence,) = said_by_make(tmp_path, "new-venv")
    assert sentence.startswith(".venv could not be made. Error: ") and f"{tmp_path}/.venv" in sentence


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            "Traceback (most recent call last):\n  ...\nConnectionError: no network",
            "Nothing is known: osv.dev could not be asked. ConnectionError: no network",
        ),
        ("Found 1 known vulnerability in 1 package", "Found 1 known vulnerability in 1 package"),
    ],
)
def test_an_audit_tells_what_it_found_from_that_it_could_not_look(tmp_path: Path, answer: str, sentence: str) -> None:
    program = tmp_path / ".venv" / "audit" / "bin" / "pip-audit"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{answer}\nEND\nexit 1\n")
    program.chmod(0o755)
    assert said_by_make(tmp_path, "--assume-old=setup", "audit") == [sentence]
