"""Charts as inline SVG: `{% chart chart %}` for a queues.admin.charts.Chart, `{% sparkline completed failed label %}` for a cell.

Their page loads `queues/charts.css`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues.admin.charts import Chart

register = template.Library()

SPARK_WIDTH, SPARK_HEIGHT = 120, 24
BASE = SPARK_HEIGHT - 2


@register.inclusion_tag("admin/queues/chart.html")
def chart(chart: Chart, *, numbers: bool = True) -> dict[str, Any]:
    """`numbers=False` where the page itself has the table of them."""
    return {"chart": chart, "numbers": numbers}


@register.inclusion_tag("admin/queues/sparkline.html")
def sparkline(completed: Sequence[float], failed: Sequence[float], label: str) -> dict[str, Any]:
    """Completions as a line, failures as bars under it, on one scale. `label` says of what and of which time."""
    top = max([1, *completed, *failed])
    step = SPARK_WIDTH / max(1, len(completed) - 1)
    return {
        "width": SPARK_WIDTH,
        "height": SPARK_HEIGHT,
        "base": BASE,
        "label": label,
        "summary": _summary(sum(completed), sum(failed)),
        "line": " ".join(f"{index * step:.1f},{_height(value, top):.1f}" for index, value in enumerate(completed)),
        "bars": "".join(f"M{index * step:.1f},{BASE}V{_height(value, top):.1f}" for index, value in enumerate(failed) if value),
    }


def _height(value: float, top: float) -> float:
    return BASE - (BASE - 2) * value / top


def _summary(completed: float, failed: float) -> str:
    if not completed and not failed:
        return _("nothing ended in this time")
    done = ngettext("%(count)d completed", "%(count)d completed", round(completed)) % {"count": completed}
    return _("%(completed)s, %(failed)d failed") % {"completed": done, "failed": failed}
