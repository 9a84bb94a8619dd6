"""Commands whose exit code tells something."""

from io import StringIO

import pytest
from django.core.management import call_command


def run_to_exit(*arguments: str) -> tuple[str, int]:
    """What the command wrote, and its exit code."""
    out = StringIO()
    with pytest.raises(SystemExit) as exit:
        call_command(*arguments, stdout=out)
    assert isinstance(exit.value.code, int)
    return out.getvalue(), exit.value.code
