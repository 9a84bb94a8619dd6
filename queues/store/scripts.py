"""The Lua scripts: each file is one atomic step, prefixed with what they share. One round trip a call."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
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
        flat: list[Argument] = [PREFIX]
        for argument in arguments:
            if isinstance(argument, (str, bytes, int, float)):
                flat.append(argument)
            else:
                flat.extend(argument)
        try:
            return connection.evalsha(self.sha, 0, *flat)
        except redis.exceptions.NoScriptError:
            return connection.eval(self.text, 0, *flat)


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
dead = Script("dead")
bury = Script("bury")
index = Script("index")
unindex = Script("unindex")
