"""The architecture: who may import whom, how large a piece may grow, and what an import may load."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "objrep_gym"
FLOORS = (
    ("types", "configs"),
    ("scenes",),
    ("envs", "models", "data", "metrics", "figures"),  # five rooms that do not know each other
    ("journal", "processes", "seeds"),
    ("weights",),
    ("training",),
    ("search",),
    ("cluster",),
    ("wrappers",),
    ("agents",),
    ("experiments", "bench"),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
ONLY_IN = {"wandb": "journal.py", "ray": "cluster.py"}
LONGER_FUNCTIONS = {"training.py:fit": 80}
LONGER_FILES = {"models/blocks.py": 400, "models/vae.py": 400}
NOT_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "handler"}
RARE = ("numba", "datasets", "pyarrow", "accelerate", "ray", "sklearn", "matplotlib", "stable_baselines3", "wandb")
BY_NAME = ("__import__", "import_module", "importlib.import_module")
CONTROL = (ast.For, ast.While, ast.If, ast.With, ast.Try, ast.Match)
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))

every_module = pytest.mark.parametrize("module", MODULES)


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"), module)


def imports(parsed: ast.Module, module: str) -> Iterator[str]:
    """Dotted names that a module imports, at its top or inside a function, by statement or by a literal name. `from a
    import b` gives `a.b`: b may be a module."""
    package = ["objrep_gym", *Path(module).parts[:-1]]
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "__import__",
            "import_module",
            "importlib.import_module",
        ):
            yield from (name.value for name in node.args[:1] if isinstance(name, ast.Constant))


def room_of(path: str) -> str:
    return path.split("/")[0].removesuffix(".py")


def wrong_imports(parsed: ast.Module, module: str) -> list[str]:
    """Imports of a module that the floors forbid."""
    here = room_of(module)
    others = {name.split(".")[1] for name in imports(parsed, module) if name.startswith("objrep_gym.")} & FLOOR.keys()
    own = set() if here == "__init__" else {here}
    wrong = [f"{module} -> {other}" for other in others - own if here == "__init__" or FLOOR[other] >= FLOOR[here]]
    libraries = {name.split(".")[0] for name in imports(parsed, module)}
    wrong += [
        f"{module} -> {name}, only in {only}" for name, only in ONLY_IN.items() if name in libraries and module != only
    ]
    if here in ("scenes", "envs"):
        wrong += [f"{module} -> {name}: {here} speak numpy" for name in ("torch", "types") if name in libraries | others]
    return wrong


def functions(node: ast.AST, name: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function below a node, with its qualified name."""
    for child in ast.iter_child_nodes(node):
        label = f"{name}.{child.name}".lstrip(".") if hasattr(child, "name") and isinstance(child.name, str) else name
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield label, child
        yield from functions(child, label)


def lines(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1


def nesting(node: ast.AST) -> int:
    """Depth of control statements inside a node. An `elif` is no deeper than its `if`; a nested function begins anew."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse and len(node.orelse) == 1
        deepest = max(deepest, nesting(child) + (isinstance(child, CONTROL) and not is_elif))
    return deepest


def oversized(parsed: ast.Module, module: str) -> list[str]:
    """What of a module is larger than the house allows."""
    wrong = []
    length = len((ROOT / module).read_text(encoding="utf-8").splitlines()) if (ROOT / module).exists() else 0
    if length > LONGER_FILES.get(module, 300):
        wrong.append(f"{module}: {length} lines")
    for name, function in functions(parsed):
        most = LONGER_FUNCTIONS.get(f"{module}:{name}", 40)
        arguments = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
        taken = [a for a in arguments if a not in ("self", "cls")]
        if lines(function) > most:
            wrong.append(f"{module}:{name}: {lines(function)} lines, at most {most}")
        if len(taken) > 6:
            wrong.append(f"{module}:{name}: {len(taken)} arguments, at most 6")
        if nesting(function) > 3:
            wrong.append(f"{module}:{name}: nested {nesting(function)} deep, at most 3")
    classes = [node for node in ast.walk(parsed) if isinstance(node, ast.ClassDef)]
    return wrong + [f"{module}:{c.name}: {lines(c)} lines, at most 150" for c in classes if lines(c) > 150]


@every_module
def test_imports_come_from_lower_floors(module: str):
    assert not wrong_imports(tree(module), module)


@every_module
def test_every_module_has_a_floor(module: str):
    assert room_of(module) in {*FLOOR, "__init__"}, "give it a floor in tests/test_floors.py, or another home"


@every_module
def test_pieces_stay_small(module: str):
    assert not oversized(tree(module), module)


@every_module
def test_modules_are_named_and_say_what_they_are(module: str):
    assert not set(Path(module).with_suffix("").parts) & NOT_NAMES, "a module without a home is a concept without a name"
    assert ast.get_docstring(tree(module)) or not tree(module).body, "a module says what it is in its first line"


@every_module
def test_shapes_are_checkable(module: str):
    names = set(imports(tree(module), module))
    speaks_torch = any(name.split(".")[0] in ("torch", "jaxtyping") for name in names)
    assert not (speaks_torch and "__future__.annotations" in names), "annotations as strings are never checked"


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import objrep_gym.weights", "models/monet.py"),
        ("from objrep_gym.data import batches", "models/monet.py"),
        ("from ..metrics.segmentation import ari", "data/shards.py"),
        ("def f():\n    from objrep_gym import training", "journal.py"),
        ("import torch", "scenes/room.py"),
        ("from objrep_gym import types", "envs/reach.py"),
        ("from objrep_gym.scenes.room import Room", "__init__.py"),
        ("import wandb.sdk", "training.py"),
        ("import importlib\nimportlib.import_module('ray')", "search.py"),
        ("from objrep_gym.bench import render", "experiments/demo.py"),
    ],
)
def test_a_forbidden_import_is_found(source: str, module: str):
    assert wrong_imports(ast.parse(source), module)


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from objrep_gym.types import Slots", "models/monet.py"),
        ("from objrep_gym.models.blocks import conv", "models/monet.py"),
        ("from . import blocks", "models/monet.py"),
        ("from objrep_gym import __version__", "weights.py"),
        ("import wandb", "journal.py"),
        ("from objrep_gym.weights import load", "training.py"),
    ],
)
def test_an_allowed_import_is_left_alone(source: str, module: str):
    assert not wrong_imports(ast.parse(source), module)


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n" + "    x = 1\n" * 40,
        "def f(a, b, c, d, *, e, f, g): ...",
        "def f():\n if a:\n  for b in c:\n   with d:\n    if e:\n     pass",
        "class A:\n" + "    x = 1\n" * 150,
    ],
)
def test_an_oversized_piece_is_found(source: str):
    assert oversized(ast.parse(source), "scenes/nowhere.py")


def test_a_piece_of_allowed_size_is_left_alone():
    chain = "\n    ".join(["if a: pass", *["elif a: pass"] * 5])
    assert not oversized(ast.parse(f"def f(self, a, b, c, d, e, g):\n    {chain}"), "scenes/nowhere.py")


def in_a_fresh_interpreter(code: str) -> str:
    """What code prints; the test fails with the error if it raises or warns."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without(*libraries: str) -> str:
    """Code that makes libraries look as if they were not installed."""
    return f"import sys; sys.modules.update(dict.fromkeys({libraries!r}))\n"


def test_importing_the_package_loads_nothing_heavy():
    code = "import objrep_gym, sys; print(*{name.split('.')[0] for name in sys.modules})"
    heavy = {"torch", "mujoco", "stable_baselines3", "scipy", "matplotlib", "pandas", "wandb", "numba", "datasets", "rich"}
    assert not set(in_a_fresh_interpreter(code).split()) & heavy


def test_environments_work_without_torch():
    code = "import gymnasium; env = gymnasium.make('objrep_gym:ObjRep/Reach-v0'); print(env.reset(seed=0)[0].dtype)"
    assert in_a_fresh_interpreter(without("torch", "stable_baselines3") + code) == "uint8\n"


def test_training_needs_little():
    code = "from objrep_gym import data, journal, models, training, weights; print('yes')"
    assert in_a_fresh_interpreter(without(*RARE) + code) == "yes\n"
