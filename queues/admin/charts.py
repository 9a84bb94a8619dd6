"""Charts over time as their templates draw them: every place on the canvas is computed here, in units of the SVG's view box."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from queues.admin.scales import Scale, count_scale
from queues.admin.words import NOTHING, day_text, time_text

WIDTH, HEIGHT = 420, 190
LEFT, RIGHT, TOP, BOTTOM = 50, 78, 12, 24
"""Room for the words around the plot: scale, labels of the lines, half a line of text, times."""
LABEL_HEIGHT = 14
HOUR_SECONDS, DAY_SECONDS = 3600, 86400
DAY_TICKS = 5
"""Days that an axis names at most."""
MARKER_EVERY = 10
MARKERS = (
    "M{x},{y}m-3,0a3,3 0 1,0 6,0a3,3 0 1,0 -6,0",  # a disc
    "M{x},{y}m-3,-3h6v6h-6z",  # a square
    "M{x},{y}m0,-4l4,7h-8z",  # a triangle
)


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line. None is a gap: there was nothing to measure. What is a fault is drawn in the colour of errors."""

    label: str
    values: tuple[float | None, ...]
    is_fault: bool = False

    @property
    def is_empty(self) -> bool:
        return not any(self.values)


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis."""

    place: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A series as it is drawn. `number` (from 1) tells dash and marker; the label stands at the height `y`."""

    number: int
    is_fault: bool
    label: str
    path: str
    markers: str
    y: float


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Series over the same moments, at most three. `id` is unique on its page; `scale` makes the axis for its values; `nothing` is said
    where there is none. Moments that are a day apart are days of UTC."""

    id: str
    title: str
    starts: tuple[datetime, ...]
    series: tuple[Series, ...]
    summary: str = ""
    nothing: str = ""
    scale: Callable[[Sequence[float]], Scale] = count_scale
    width = WIDTH
    height = HEIGHT
    left, right = LEFT, WIDTH - RIGHT
    top, bottom = TOP, HEIGHT - BOTTOM

    @property
    def is_empty(self) -> bool:
        return all(series.is_empty for series in self.series)

    @property
    def axis(self) -> Scale:
        return self.scale([value for series in self.series for value in series.values if value is not None])

    @property
    def y_ticks(self) -> list[Tick]:
        axis = self.axis
        return [Tick(place=_place(axis, value), text=axis.text(value)) for value in axis.ticks]

    @property
    def x_ticks(self) -> list[Tick]:
        """At round times, or days: about four of them."""
        if self._seconds >= DAY_SECONDS:
            every, last = math.ceil(len(self.starts) / DAY_TICKS), len(self.starts) - 1
            days = [(index, day) for index, day in enumerate(self.starts) if (last - index) % every == 0]
            return [Tick(place=self._x(index), text=day_text(day)) for index, day in days]
        moments = [timezone.localtime(start) for start in self.starts]
        return [
            Tick(place=self._x(index), text=time_text(moment))
            for index, moment in enumerate(moments)
            if (moment.hour % 6 == 0 if self._seconds >= HOUR_SECONDS else moment.minute % 15 == 0)
        ]

    @property
    def _seconds(self) -> float:
        """From one moment to the next."""
        return (self.starts[1] - self.starts[0]).total_seconds() if len(self.starts) > 1 else 0.0

    @property
    def lines(self) -> list[Line]:
        """Those that have anything to show."""
        axis = self.axis
        drawn = [self._line(number, series, axis) for number, series in enumerate(self.series, 1) if not _is_gap(series)]
        places = _apart([line.y for line in drawn], self.top, self.bottom)
        return [replace(line, y=place) for line, place in zip(drawn, places, strict=True)]

    @property
    def rows(self) -> list[tuple[datetime, list[str]]]:
        """The numbers in words: the moments at which there was anything."""
        axis = self.axis
        table = zip(self.starts, zip(*(series.values for series in self.series), strict=True), strict=True)
        return [(start, [NOTHING if value is None else axis.text(value) for value in values]) for start, values in table if any(values)]

    def _x(self, index: int) -> float:
        return round(self.left + (self.right - self.left) * index / max(1, len(self.starts) - 1), 1)

    def _line(self, number: int, series: Series, axis: Scale) -> Line:
        runs = [[(self._x(index), _place(axis, value)) for index, value in run] for run in _runs(series.values)]
        path = "".join("M" + "L".join(f"{x},{y}" for x, y in run) for run in runs)
        marked = [point for run in runs for index, point in enumerate(run) if index % MARKER_EVERY == 0 or index == len(run) - 1]
        marker = MARKERS[(number - 1) % len(MARKERS)]
        markers = "".join(marker.format(x=x, y=y) for x, y in marked)
        return Line(number=number, is_fault=series.is_fault, label=series.label, path=path, markers=markers, y=runs[-1][-1][1])


def _place(axis: Scale, value: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * axis.share(value), 1)


def _is_gap(series: Series) -> bool:
    return all(value is None for value in series.values)


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """What lies between the gaps."""
    run: list[tuple[int, float]] = []
    for index, value in enumerate(values):
        if value is not None:
            run.append((index, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _apart(places: Sequence[float], top: float, bottom: float) -> list[float]:
    """The same order of heights, no two labels over one another."""
    moved = dict.fromkeys(range(len(places)), 0.0)
    floor = bottom
    for index in sorted(moved, key=lambda index: -places[index]):
        moved[index] = max(min(places[index], floor), top)
        floor = moved[index] - LABEL_HEIGHT
    return list(moved.values())
