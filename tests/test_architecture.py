"""The house rules that no linter knows, over the real tree. Which room may import which is
import-linter's (pyproject.toml). Each rule is shown to fail on a piece of code that breaks it."""

import ast
import importlib
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

from tests import readme
from wabot import config

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FILE = 300

LONG_FOR_A_REASON: dict[str, str] = {
    "wabot/store/migrations/m0001_spine.py": "the first schema, one table after the other",
    "wabot/words.py": "the words that all rooms speak, one after the other: a dictionary, no behaviour to split",
}
"""Files of more than 300 lines, with the reason why splitting them would make them worse."""

TOP_LEVEL = {
    "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "deploy", "gunicorn.conf.py", "huey_app.py",
    "pyproject.toml", "tests", "wabot", "wsgi.py",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A Python file: its path within the project and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def docstrings(self) -> set[ast.AST]:
        """Strings that stand alone as a statement: docstrings, also those below an attribute."""
        return {node.value for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}

    def strings(self) -> Iterator[tuple[int, str]]:
        """Every string that is no docstring; of an f-string its text, with `{}` for the values."""
        told = set(self.docstrings)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.JoinedStr):
                told.update(node.values)
                parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
                yield node.lineno, "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in told:
                yield node.lineno, node.value

    def names(self) -> Iterator[tuple[int, str]]:
        """Every identifier that is used: names, attributes, arguments, imports."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
                    yield node.lineno, name
                case ast.ImportFrom(module=str(name)) | ast.keyword(arg=str(name)):
                    yield node.lineno, name

    def in_room(self, *rooms: str) -> bool:
        return self.path.startswith(rooms)


Rule = Callable[[Source], Iterator[tuple[int, str]]]

VENDOR = re.compile(r"(?<![A-Za-z])(twilio|gupshup|interakt)(?![A-Za-z])", re.IGNORECASE)
CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
    "time.localtime", "time.gmtime",
}  # fmt: skip
SQL = re.compile(
    r"\bSELECT\b.+\bFROM\b|\bINSERT\b.*\bINTO\b|\bUPDATE\b.+\bSET\b|\bDELETE\s+FROM\b"
    r"|\bCREATE\s+(UNIQUE\s+)?(TABLE|INDEX)\b|\bPRAGMA\b|\bVACUUM\b",
    re.DOTALL,
)
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
LOCAL_PATH = re.compile("|".join(re.escape("/" + folder + "/") for folder in ("root", "work", "farm")) + r"|/home/\w+/")
PACKAGE_HOST = re.compile("py" + r"pi\.org|pythonhosted\.org|/" + r"opt/(wheels|py" + "pi)")


def vendors_stay_in_their_files(source: Source) -> Iterator[tuple[int, str]]:
    """A vendor's name, as a string or in an identifier, stands in providers/ and config.py alone."""
    if source.in_room("wabot/providers/", "wabot/config.py"):
        return
    for line, text in [*source.strings(), *source.names()]:
        if VENDOR.search(text) or text.lower() == "meta":
            yield line, f"names a vendor: {text!r}"


def imports_stand_at_the_top(source: Source) -> Iterator[tuple[int, str]]:
    for function in ast.walk(source.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield node.lineno, f"import inside {function.name}"


def only_the_clock_asks_for_the_time(source: Source) -> Iterator[tuple[int, str]]:
    if source.in_room("wabot/clock.py"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in CLOCKS:
            yield node.lineno, f"asks {ast.unparse(node)}, not clock.now"
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if f"{node.module}.{alias.name}" in CLOCKS:
                    yield node.lineno, f"imports {node.module}.{alias.name}"


def only_the_store_speaks_sql(source: Source) -> Iterator[tuple[int, str]]:
    if source.in_room("wabot/store/"):
        return
    for line, text in source.strings():
        if SQL.search(text):
            yield line, f"speaks SQL: {text[:40]!r}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in ("where", "execute_sql"):
            yield node.lineno, f"builds a query: .{node.attr}"


def only_the_command_line_prints(source: Source) -> Iterator[tuple[int, str]]:
    if source.in_room("wabot/cli/"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield node.lineno, "prints; log it, or say it in cli"


def modules_say_what_lives_there(source: Source) -> Iterator[tuple[int, str]]:
    if not ast.get_docstring(source.tree):
        yield 1, "has no docstring"


def public_functions_say_what_may_be_relied_on(source: Source) -> Iterator[tuple[int, str]]:
    """In core/ and store/ each function of a module, in providers/base.py each method too."""
    if not source.in_room("wabot/core/", "wabot/store/", "wabot/providers/base.py"):
        return
    nodes: list[ast.AST] = list(source.tree.body)
    if source.in_room("wabot/providers/base.py"):
        nodes += [node for cls in source.tree.body if is_protocol(cls) for node in ast.iter_child_nodes(cls)]
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not ast.get_docstring(node):
            yield node.lineno, f"{node.name} has no docstring"


def is_protocol(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)


def files_are_short(source: Source) -> Iterator[tuple[int, str]]:
    lines = source.text.count("\n")
    if lines > LONGEST_FILE and source.path not in LONG_FOR_A_REASON:
        yield LONGEST_FILE, f"has {lines} lines: split it, or justify it in LONG_FOR_A_REASON"


def nothing_is_left_unfinished(source: Source) -> Iterator[tuple[int, str]]:
    yield from matches(UNFINISHED, source, "unfinished")


def no_path_of_a_build_machine(source: Source) -> Iterator[tuple[int, str]]:
    if not source.in_room("deploy/") or source.path.endswith(".lock"):
        yield from matches(LOCAL_PATH, source, "a path of one machine")
    yield from matches(PACKAGE_HOST, source, "names a package host")


def the_standard_sqlite_stays_away(source: Source) -> Iterator[tuple[int, str]]:
    """Also in tests and at the top level, where import-linter does not look."""
    for line, name in source.names():
        if name.split(".")[0] == "sqlite3":
            yield line, "opens the file beside APSW, which drops its locks"


def matches(pattern: re.Pattern[str], source: Source, what: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := pattern.search(line):
            yield number, f"{what}: {found[0]!r}"


RULES_OF_THE_PACKAGE: dict[Rule, tuple[str, str]] = {
    vendors_stay_in_their_files: ("wabot/core/x.py", 'if channel.provider == "Meta": settings.twilio_api'),
    imports_stand_at_the_top: ("wabot/core/x.py", "def f():\n    if 1:\n        from wabot import clock"),
    only_the_clock_asks_for_the_time: ("wabot/core/x.py", "import datetime\ndatetime.datetime.now(UTC)"),
    only_the_store_speaks_sql: ("wabot/web/x.py", 'rows(f"SELECT {columns} FROM message")'),
    only_the_command_line_prints: ("wabot/core/x.py", "print(1)"),
    modules_say_what_lives_there: ("wabot/core/x.py", "x = 1"),
    public_functions_say_what_may_be_relied_on: ("wabot/core/x.py", "def claim(): ..."),
    files_are_short: ("wabot/core/x.py", "\n" * (LONGEST_FILE + 1)),
}
RULES_OF_ALL_PYTHON: dict[Rule, tuple[str, str]] = {
    the_standard_sqlite_stays_away: ("tests/x.py", "import sqlite3"),
}
RULES_OF_ALL_TEXT: dict[Rule, tuple[str, str]] = {
    nothing_is_left_unfinished: ("wabot/core/x.py", "# TO" + "DO: the rest"),
    no_path_of_a_build_machine: ("deploy/x.lock", "-f /ro" + "ot/wheels"),
}
RULES = RULES_OF_THE_PACKAGE | RULES_OF_ALL_PYTHON | RULES_OF_ALL_TEXT
MORE_THAT_MUST_FAIL: list[tuple[Rule, str, str]] = [
    (vendors_stay_in_their_files, "wabot/core/x.py", "from wabot.providers import gupshup"),
    (only_the_clock_asks_for_the_time, "wabot/core/x.py", "from time import time"),
    (only_the_store_speaks_sql, "wabot/web/x.py", "Message.select().where(Message.id == 1)"),
    (public_functions_say_what_may_be_relied_on, "wabot/providers/base.py", "class P(Protocol):\n  def send(): ..."),
    (no_path_of_a_build_machine, "Makefile", "index: https://py" + "pi.org/simple"),
]


@cache
def sources() -> tuple[Source, ...]:
    """Every text file of the project but what others wrote and what tools leave behind."""
    files = [file for name in TOP_LEVEL | {".ci"} for file in (ROOT / name, *(ROOT / name).rglob("*"))]
    texts = []
    for path in sorted(file for file in files if file.is_file()):
        parts = path.relative_to(ROOT).parts
        if {"__pycache__", "vendor"} & set(parts):
            continue
        try:
            texts.append(Source("/".join(parts), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(texts)


def subjects(rule: Rule) -> list[Source]:
    if rule in RULES_OF_ALL_TEXT:
        return list(sources())
    python = [source for source in sources() if source.path.endswith(".py")]
    return [source for source in python if rule in RULES_OF_ALL_PYTHON or source.in_room("wabot/")]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    broken = [f"{source.path}:{line} {what}" for source in subjects(rule) for line, what in rule(source)]
    assert not broken, "\n" + "\n".join(broken)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [(rule, *example) for rule, example in RULES.items()] + MORE_THAT_MUST_FAIL,
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_rule_can_be_broken(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text)))


def test_no_justification_outlives_its_long_file() -> None:
    lengths = {source.path: source.text.count("\n") for source in sources()}
    assert [path for path in LONG_FOR_A_REASON if lengths.get(path, 0) <= LONGEST_FILE] == []


def test_the_top_level_holds_only_what_the_design_names() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()}
    present = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert {name for name in present - TOP_LEVEL - ignored if not name.endswith(".egg-info")} == set()


def test_every_setting_is_in_the_readme(readme_text: str) -> None:
    names = [readme.variable(name) for name in config.variables()]
    assert [name for name in names if f"| `{name}` |" not in readme_text] == []


def test_every_command_is_in_the_readme(readme_text: str) -> None:
    assert [path for path in readme.commands() if f"\n$ {path} --help\n" not in readme_text] == []


def test_every_provider_is_in_the_readme(readme_text: str) -> None:
    registry = importlib.import_module("wabot.providers").REGISTRY
    assert [name for name in registry if f"`{name}`" not in readme_text] == []


def test_every_library_is_in_the_readme_with_its_reason(readme_text: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=]", wanted)[0] for wanted in project["dependencies"]]
    assert [name for name in names if not re.search(rf"^\| `{name}` \| \w+", readme_text, re.MULTILINE)] == []


@pytest.fixture(scope="module")
def readme_text() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")
