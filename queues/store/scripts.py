"""The Lua scripts: each file is one atomic step, prefixed with what they share. One round trip a call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import redis

from queues.store.answers import checked
from queues.store.keys import PREFIX

Argument = str | bytes | int | float

_FOLDER = Path(__file__).parent / "lua"
_COMMON = "".join((_FOLDER / f"{part}.lua").read_text() for part in ("base", "counting", "common"))


class Script:
    """One script, called by its hash; Redis is sent the text only when it does not know it.

    It may call the scripts named in `functions` as functions of their ARGV.
    """

    def __init__(self, name: str, *functions: str) -> None:
        called = [f"local function {function}(ARGV)\n{(_FOLDER / f'{function}.lua').read_text()}\nend\n" for function in functions]
        self.text = _COMMON + "".join(called) + (_FOLDER / f"{name}.lua").read_text()
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, connection: redis.Redis, *arguments: Argument | Sequence[Argument]) -> Any:
        flat = _flat(arguments)
        try:
            return connection.evalsha(self.sha, 0, *flat)
        except redis.exceptions.NoScriptError:
            return connection.eval(self.text, 0, *flat)

    def ask(self, pipeline: redis.client.Pipeline, *arguments: Argument | Sequence[Argument]) -> None:
        """Puts a call into a pipeline that `together` sends."""
        pipeline.evalsha(self.sha, 0, *_flat(arguments))


def together(connection: redis.Redis, fill: Callable[[redis.client.Pipeline], None], scripts: Iterable[Script] = ()) -> list[Any]:
    """The answers to what `fill` asks, in one round trip; an error is an answer too. Where Redis knows the scripts no more, in two."""
    answers = _execute(connection, fill)
    if not any(isinstance(answer, redis.exceptions.NoScriptError) for answer in answers):
        return answers
    texts = [script.text for script in scripts]

    def load_and_fill(pipeline: redis.client.Pipeline) -> None:
        for text in texts:
            pipeline.script_load(text)
        fill(pipeline)

    return _execute(connection, load_and_fill)[len(texts) :]


def answers_of(connection: redis.Redis, fill: Callable[[redis.client.Pipeline], None], *scripts: Script) -> list[Any]:
    """The same, but an error is raised."""
    return list(map(checked, together(connection, fill, scripts)))


def _execute(connection: redis.Redis, fill: Callable[[redis.client.Pipeline], None]) -> list[Any]:
    with connection.pipeline(transaction=False) as pipeline:
        fill(pipeline)
        return list(pipeline.execute(raise_on_error=False))


def _flat(arguments: Iterable[Argument | Sequence[Argument]]) -> list[Argument]:
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
outcomes = Script("outcomes")
dead = Script("dead")
index = Script("index")
unindex = Script("unindex")
