"""A long command's progress: a bar with rate and time left on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from django.core.management.base import OutputWrapper
from tqdm import tqdm

LINE_SECONDS = 5.0


class Progress:
    """The bar goes to the standard error, the lines to `out`; `quiet` shows nothing.

    `done` were there before it began. With a `label`, which says of what, the last line is shown however quick it was.
    """

    def __init__(self, out: OutputWrapper, *, total: int, done: int = 0, label: str = "", quiet: bool = False) -> None:
        self.total, self.done, self._before, self._label = total, done, done, f"{label}: " if label else ""
        self._out, self._quiet = out, quiet
        self._started = self._told = time.monotonic()
        hidden = quiet or not sys.stderr.isatty()
        self._bar = tqdm(
            desc=label or None, total=total, initial=done, unit=" entities", unit_scale=True, dynamic_ncols=True, disable=hidden
        )

    def reach(self, done: int) -> None:
        """Never goes back: what is saved meanwhile is no step backwards."""
        step, self.done = max(0, done - self.done), max(done, self.done)
        self._bar.update(step)
        if self._bar.disable and not self._quiet and time.monotonic() - self._told >= LINE_SECONDS:
            self._told = time.monotonic()
            self._out.write(self._line())

    def say(self, text: str) -> None:
        """A sentence in between."""
        if not self._quiet:
            self._bar.clear()
            self._out.write(text)

    def _line(self) -> str:
        rate = (self.done - self._before) / max(0.001, time.monotonic() - self._started)
        told = f"{self._label}{self.done:,} of {self.total:,} entities, {rate:.0f} a second"
        if self.done >= self.total:
            return told
        left = tqdm.format_interval((self.total - self.done) / rate) if rate else "an unknown time"
        return f"{told}, {left} left"

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._bar.close()
        if self._label and self._bar.disable and not self._quiet:
            self._out.write(self._line())
