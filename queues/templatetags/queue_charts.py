"""Charts as inline SVG: `{% sparkline completed failed label %}` for a cell of a table. Their page loads `queues/charts.css`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.translation import gettext as _

register = template.Library()

WIDTH, HEIGHT = 120, 24
BASE = HEIGHT - 2


@register.inclusion_tag("admin/queues/sparkline.html")
def sparkline(completed: Sequence[float], failed: Sequence[float], label: str) -> dict[str, Any]:
    """Completions as a line, failures as bars under it, on one scale. `label` says of what and of which time."""
    top = max([1, *completed, *failed])
    step = WIDTH / max(1, len(completed) - 1)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "base": BASE,
        "label": label,
        "summary": _("%(completed)d completed, %(failed)d failed") % {"completed": sum(completed), "failed": sum(failed)},
        "line": " ".join(f"{index * step:.1f},{_height(value, top):.1f}" for index, value in enumerate(completed)),
        "bars": "".join(f"M{index * step:.1f},{BASE}V{_height(value, top):.1f}" for index, value in enumerate(failed) if value),
    }


def _height(value: float, top: float) -> float:
    return BASE - (BASE - 2) * value / top
