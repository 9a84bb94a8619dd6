"""How much memory this process takes: its own pages, not those of the children that run isolated jobs."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

STATM = Path("/proc/self/statm")
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which getrusage counts."""


def current_bytes() -> int | None:
    """What is resident now; None where the system does not say."""
    try:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def peak_bytes() -> int:
    """The most that was ever resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT


def facts() -> dict[str, int]:
    """Both, as a worker's hash has them."""
    current = current_bytes()
    return {"peak_memory_bytes": peak_bytes(), **({} if current is None else {"memory_bytes": current})}
