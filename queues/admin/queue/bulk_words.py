"""What is done with many jobs, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

VERBS = {
    "retry": gettext_lazy("Retry"),
    "promote": gettext_lazy("Promote"),
    "cancel": gettext_lazy("Cancel"),
    "remove": gettext_lazy("Remove"),
}
PARTICIPLES = {
    "retry": gettext_lazy("retried"),
    "promote": gettext_lazy("promoted"),
    "cancel": gettext_lazy("cancelled"),
    "remove": gettext_lazy("removed"),
}
MEANINGS = {
    "retry": gettext_lazy("They wait again, with their attempts reset."),
    "promote": gettext_lazy("They wait for no longer."),
    "cancel": gettext_lazy("Those that wait become dead letters; the workers of those that run are told to stop them."),
    "remove": gettext_lazy("They are deleted and cannot be had back."),
}


def label_of(action: str, number: int, *, is_exact: bool) -> str:
    """`Retry 430 jobs`, or so many and more: what the button of a confirmation says."""
    text = ngettext("%(verb)s %(number)s job", "%(verb)s %(number)s jobs", number) if is_exact else _("%(verb)s %(number)s jobs or more")
    return text % {"verb": VERBS[action], "number": f"{number:,}"}


def outcome(action: str, done: int, expected: int | None) -> str:
    """`412 of 430 retried, 18 had changed meanwhile`; without `expected`, which nobody had counted exactly, only what was done."""
    words = {"done": f"{done:,}", "expected": f"{expected or 0:,}", "participle": PARTICIPLES[action]}
    if expected is None or done == expected:
        return ngettext("%(done)s job %(participle)s.", "%(done)s jobs %(participle)s.", done) % words
    if done > expected:
        return _("%(done)s jobs %(participle)s: by then more matched than the %(expected)s that were counted.") % words
    missing = expected - done
    text = ngettext(
        "%(done)s of %(expected)s %(participle)s, %(missing)s had changed meanwhile.",
        "%(done)s of %(expected)s %(participle)s, %(missing)s had changed meanwhile.",
        missing,
    )
    return text % {**words, "missing": f"{missing:,}"}
