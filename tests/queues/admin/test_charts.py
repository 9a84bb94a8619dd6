"""What is computed of a chart before its template draws it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from queues.admin.charts import LABEL_HEIGHT, Chart, Series
from queues.admin.scales import count_scale, seconds_scale
from queues.admin.words import span_text

START = datetime(2026, 1, 1, 9, 58, tzinfo=UTC)


def chart(*values: tuple[float | None, ...], step: timedelta = timedelta(minutes=1), **more) -> Chart:
    series = tuple(Series(label=f"line {number}", values=each) for number, each in enumerate(values, 1))
    return Chart(id="x", title="X", starts=tuple(START + step * index for index in range(len(values[0]))), series=series, **more)


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [(0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (7, [0, 2, 4, 6, 8]), (90, [0, 50, 100]), (4000, [0, 1000, 2000, 3000, 4000])],
)
def test_an_axis_of_counts_ends_at_a_round_number(largest: float, ticks: list[float]) -> None:
    scale = count_scale([0, largest])
    assert scale.ticks == ticks
    assert scale.share(ticks[-1]) == 1


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], ["0.10 ms", "1 ms"]),
        ([0.002, 0.5], ["1 ms", "10 ms", "100 ms", "1 s"]),
        ([70, 71], ["1 min", "10 min"]),
        ([10, 10], ["10 s", "1 min"]),
        ([0, 1e9], ["0.10 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "1 min", "10 min", "1 h", "10 h", "10 d"]),
    ],
)
def test_an_axis_of_times_is_logarithmic(values: list[float], ticks: list[str]) -> None:
    scale = seconds_scale(values)
    assert [scale.text(tick) for tick in scale.ticks] == ticks
    assert all(0 <= scale.share(value) <= 1 for value in values)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "\u2013"),
        (0.0005, "0.50 ms"),
        (0.0149, "14.9 ms"),
        (0.9996, "1,000 ms"),
        (1, "1 s"),
        (59.97, "60 s"),
        (90, "1 min 30 s"),
        (86400, "1 d"),
        (90061, "1 d 1 h"),
    ],
)
def test_a_span_reads_in_the_unit_that_suits_it(seconds: float | None, text: str) -> None:
    assert span_text(seconds).replace(",", "") == text.replace(",", "")


def test_a_gap_splits_a_line_and_a_lonely_point_is_marked() -> None:
    (line,) = chart((1, None, None, 2, 2)).lines
    assert line.path.count("M") == 2
    assert line.markers.count("M") == 1 + 2


def test_labels_of_lines_that_end_alike_do_not_cover_each_other() -> None:
    lines = chart((5, 0), (5, 0), (5, 0)).lines
    heights = sorted(line.y for line in lines)
    assert all(second - first >= LABEL_HEIGHT for first, second in itertools.pairwise(heights))
    assert all(0 < height < 190 for height in heights)


def test_ticks_of_time_stand_at_round_times() -> None:
    assert [tick.text for tick in chart((1,) * 60).x_ticks] == ["10:00", "10:15", "10:30", "10:45"]
    assert [tick.text for tick in chart((1,) * 24, step=timedelta(hours=1)).x_ticks] == ["12:58", "18:58", "00:58", "06:58"]


def test_the_table_has_the_moments_at_which_there_was_anything() -> None:
    drawn = chart((0, 3, None), (0, None, None))
    assert [(start.minute, values) for start, values in drawn.rows] == [(59, ["3", "–"])]  # noqa: RUF001
    assert not drawn.is_empty
    assert chart((0, None)).is_empty


@pytest.mark.parametrize(("days", "named"), [(2, ["1 Jun", "2 Jun"]), (14, ["2 Jun", "5 Jun", "8 Jun", "11 Jun", "14 Jun"])])
def test_days_are_named_whatever_the_time_zone(days: int, named: list[str], settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    starts = tuple(datetime(2026, 6, day, tzinfo=UTC) for day in range(1, days + 1))
    chart = Chart(id="x", title="x", starts=starts, series=(Series(label="tokens", values=(1,) * days),))
    assert [tick.text for tick in chart.x_ticks] == named
