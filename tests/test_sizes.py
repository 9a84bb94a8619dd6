"""How long files and functions may be: what grows past it is split by noun, or says why not.

`# Past 300 lines: <reason>` in a file, `# Past 40 lines: <reason>` in a function.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.processes import ROOT

FILE_LINES = 300
FUNCTION_LINES = 40


def sources() -> Iterator[Path]:
    """Every Python file of the project, but for migrations, which Django writes."""
    for top in ROOT.iterdir():
        if top.name.startswith("."):
            continue
        for path in top.rglob("*.py") if top.is_dir() else [top]:
            if path.suffix == ".py" and "migrations" not in path.parts:
                yield path


def functions(code: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def too_long(name: str, code: str) -> list[str]:
    lines = code.splitlines()
    found = [f"{name}: {len(lines)} lines"] if len(lines) > FILE_LINES and f"# Past {FILE_LINES} lines: " not in code else []
    for function in functions(code):
        own = lines[function.lineno - 1 : function.end_lineno]
        if len(own) > FUNCTION_LINES and not any(f"# Past {FUNCTION_LINES} lines: " in line for line in own):
            found.append(f"{name}:{function.lineno}: {function.name} has {len(own)} lines")
    return found


def test_no_file_and_no_function_is_too_long_without_a_reason() -> None:
    found = [text for path in sources() for text in too_long(str(path.relative_to(ROOT)), path.read_text())]
    assert found == [], "\n".join(found)


def test_what_is_too_long_is_named_unless_it_says_why() -> None:
    short, long = "def f():\n" + "    x\n" * 39, "def g():\n" + "    x\n" * 40
    assert too_long("a.py", short + long) == ["a.py:41: g has 41 lines"]
    assert too_long("a.py", long.replace("x", "x  # Past 40 lines: one table", 1)) == []
    assert too_long("b.py", "x\n" * 301) == ["b.py: 301 lines"]
    assert too_long("b.py", "# Past 300 lines: one table\n" + "x\n" * 300) == []
