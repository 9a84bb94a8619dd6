"""The Lua scripts: each file is one atomic step, prefixed with what they share. One round trip a call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis

from queues.store.keys import PREFIX

Argument = str | bytes | int | float

_FOLDER = Path(__file__).parent / "lua"
_COMMON = (_FOLDER / "common.lua").read_text()


class Script:
    """One script, called by its hash; Redis is sent the text only when it does not know it.

    It may call the scripts named in `functions` as functions of their ARGV.
    """

    def __init__(self, name: str, *functions: str) -> None:
        called = [f"local function {function}(ARGV)\n{(_FOLDER / f'{function}.lua').read_text()}\nend\n" for function in functions]
        self.text = _COMMON + "".join(called) + (_FOLDER / f"{name}.lua").read_text()
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, connection: redis.Redis, *arguments: Argument | Sequence[Argument]) -> Any:
        try:
            return self.put(connection, *arguments)
        except redis.exceptions.NoScriptError:
            return connection.eval(self.text, 0, *_flat(arguments))

    def put(self, pipeline: redis.Redis, *arguments: Argument | Sequence[Argument]) -> Any:
        """The call by hash alone, also for a pipeline: see together."""
        return pipeline.evalsha(self.sha, 0, *_flat(arguments))


def together(connection: redis.Redis, fill: Callable[[redis.Redis], Any], *called: Script) -> list[Any]:
    """The answers to what `fill` puts into a pipeline, with the scripts `called` among it: one round trip, and two more after Redis forgot
    a script. `fill` is called again then, so what it puts in must bear being done twice, but for one script."""
    try:
        return _execute(connection, fill)
    except redis.exceptions.NoScriptError:
        for script in called:
            connection.script_load(script.text)
        return _execute(connection, fill)


def _execute(connection: redis.Redis, fill: Callable[[redis.Redis], Any]) -> list[Any]:
    with connection.pipeline(transaction=False) as pipeline:
        fill(pipeline)
        return list(pipeline.execute())


def _flat(arguments: Sequence[Argument | Sequence[Argument]]) -> list[Argument]:
    flat: list[Argument] = [PREFIX]
    for argument in arguments:
        if isinstance(argument, (str, bytes, int, float)):
            flat.append(argument)
        else:
            flat.extend(argument)
    return flat


add = Script("add")
claim = Script("claim")
settle = Script("settle")
promote = Script("promote")
reap = Script("reap")
clean = Script("clean")
retry = Script("retry")
remove = Script("remove")
cancel = Script("cancel")
drain = Script("drain")
stats = Script("stats")
note = Script("note")
schedule = Script("schedule", "add")
enable_schedule = Script("enable_schedule")
renew = Script("renew")
page = Script("page")
