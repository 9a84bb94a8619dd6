"""One transaction for a save and what it owes.

Django sends post_save after a save outside of any transaction has committed, so a crash in between would lose the
change. Registered models therefore save inside `atomic()`: one commit for the row and its dirty row.
"""

from __future__ import annotations

import functools
from typing import Any

from django.db import router, transaction
from django.db.models import Model


def save_atomically(model: type[Model]) -> None:
    """Wraps the model's `save_base`, which `save()` calls; children and proxies inherit it. Doing it twice changes nothing."""
    original = model.save_base
    if getattr(original, "is_atomic", False):
        return

    @functools.wraps(original)
    def save_base(self: Model, *args: Any, using: str | None = None, **options: Any) -> None:
        alias = using or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=alias, savepoint=False):
            original(self, *args, using=alias, **options)  # type: ignore[misc]  # Django passes `using` by keyword

    save_base.is_atomic = True  # type: ignore[attr-defined]
    model.save_base = save_base  # type: ignore[method-assign]
