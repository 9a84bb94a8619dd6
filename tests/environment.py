"""What theo's settings read from the environment, as the tests have it: servers of their own, of each of several test processes."""

import os
from pathlib import Path

os.environ.setdefault("DEBUG", "1")
os.environ.setdefault("THEO_DATA_DIR", str(Path(__file__).resolve().parent.parent / ".theo" / "test"))
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
if not os.environ["THEO_DATA_DIR"].endswith(WORKER):
    os.environ["THEO_DATA_DIR"] += f"-{WORKER}"
