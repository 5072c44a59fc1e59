"""The house from outside: what the wheel holds, what the pages promise, how the two commands prepare a machine."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import objrep_gym

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MIB = 2**20

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def blocks(page: Path, language: str) -> list[str]:
    """The fenced pieces of a page in one language."""
    return [text for name, text in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as `make wheel` builds it, from a copy: a build leaves nothing in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "objrep_gym", folder / "objrep_gym", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = (folder / "dist").glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: zipfile.ZipFile):
    package = {p.relative_to(ROOT).as_posix() for p in (ROOT / "objrep_gym").rglob("*") if p.is_file()}
    package = {name for name in package if "__pycache__" not in name}
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == package
    assert "objrep_gym/py.typed" in held


def test_the_wheel_says_its_licence_and_its_command(wheel: zipfile.ZipFile):
    texts = {Path(name).name: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}
    assert "License-Expression: Apache-2.0" in texts["METADATA"]
    assert f"Version: {objrep_gym.__version__}" in texts["METADATA"]
    assert "Apache License" in texts["LICENSE"]
    assert "objrep-gym = objrep_gym.cli:main" in texts["entry_points.txt"]


def test_shipped_weights_are_small_complete_and_described(wheel: zipfile.ZipFile):
    shipped = {name: wheel.getinfo(name).file_size for name in wheel.namelist() if "/pretrained/" in name}
    weights = [name for name in shipped if name.endswith(".safetensors")]
    assert weights, "the package ships an encoder"
    assert sum(shipped.values()) <= 24 * MIB
    packed = sum(wheel.getinfo(name).compress_size for name in shipped)
    assert packed <= 16 * 10**6, f"{packed / 1e6:.1f} MB of weights: list the largest in weights.toml instead"
    for name in weights:
        assert shipped[name] <= 8 * MIB, name
        beside = {Path(other).suffix for other in shipped if Path(other).parent == Path(name).parent}
        assert {".json", ".md"} <= beside, f"{name} has its configuration and its card beside it"


def test_the_changelog_knows_this_version():
    assert f"## {objrep_gym.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@every_page
def test_links_lead_somewhere(page: Path):
    text = re.sub(BLOCK, "", page.read_text(encoding="utf-8"))
    targets = [
        target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text) for target in target
    ]
    local = [target for target in targets if target and not target.startswith(("http:", "https:"))]
    assert not [target for target in local if not (page.parent / target).exists()]


@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks(p, "python")], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_python_on_a_page_runs(page: Path):
    names: dict[str, object] = {}
    for number, text in enumerate(blocks(page, "python")):
        exec(compile(text, f"{page.name}, block {number}", "exec"), names)


def commands(page: Path) -> list[str]:
    """The `objrep-gym` commands on a page, in blocks and in the text."""
    lines = [*"\n".join(blocks(page, "sh")).splitlines(), *re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))]
    return [line for line in lines if line.startswith("objrep-gym ")]


@pytest.mark.parametrize("command", sorted({command for page in PAGES for command in commands(page)}))
def test_a_command_on_a_page_is_understood(command: str, monkeypatch: pytest.MonkeyPatch):
    from objrep_gym import cli

    _, verb, *words = shlex.split(command, comments=True)
    told, build = cli.VERBS[verb]
    options = build()
    done: list[object] = []
    monkeypatch.setattr(options, "__call__", lambda verb: done.append(verb))
    monkeypatch.setitem(cli.VERBS, verb, (told, lambda: options))
    assert cli.main([verb, *words]) == 0
    assert done, "parsed, and called with its options"


def test_every_folder_is_on_the_map():
    (chart,) = (text for text in blocks(ROOT / "README.md", "text") if "objrep_gym/" in text)
    rooms = {path.name for path in (ROOT / "objrep_gym").iterdir() if path.is_dir() and path.name != "__pycache__"}
    modules = {path.name for path in (ROOT / "objrep_gym").glob("[a-z]*.py")}
    assert not {name for name in rooms if f" {name}/ " not in chart} | {
        name for name in modules if f" {name} " not in chart
    }


@every_page
def test_every_table_that_a_command_writes_is_there(page: Path):
    written = re.findall(r"<!-- (?!end)([^>]*) -->\n(.*?)<!-- end -->", page.read_text(encoding="utf-8"), re.DOTALL)
    assert not [name for name, text in written if not text.strip()], "`make performance` and `make results` write them"


@every_page
def test_make_targets_on_a_page_exist(page: Path):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(
        re.findall(r"\bmake ([a-z]+)", "\n".join([*blocks(page, "sh"), *re.findall(r"`([^`\n]+)`", page.read_text())]))
    )
    assert named <= targets


FAKE_PYTHON = """#!/bin/sh
# Stands for a Python: writes down what is asked of it, and makes a virtual environment that is itself.
echo "$*" >>"{log}"
case "$*" in
*"-m venv"*) for venv; do :; done; mkdir -p "$venv/bin"; cp "$0" "$venv/bin/python" ;;
*'version("torch")'*) [ -e "{log}.torch" ] && echo 9.9+cpu ;;
*"install torch"*) echo "$*" | grep -qE -- "{answers}" && : >"{log}.torch" ;;
*"uv pip install"*) exit {uv} ;;
esac
"""


def install(folder: Path, answers: str, torch: str = "9.9", uv: int = 0) -> list[str]:
    """What the install script asks of a Python whose registries have torch for commands that match `answers` only."""
    python, log = folder / "python", folder / "log"
    python.write_text(FAKE_PYTHON.format(log=log, answers=answers, uv=uv))
    python.chmod(0o755)
    command = [ROOT / "scripts" / "install.sh", folder / "venv", torch]
    subprocess.run(command, env={**os.environ, "PYTHON": str(python)}, check=True, capture_output=True, cwd=ROOT)
    return [line.partition("install ")[2] for line in log.read_text().splitlines() if " install " in line]


PUBLIC = "--extra-index-url https://download.pytorch.org/whl"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one build of torch")
@pytest.mark.parametrize(
    ("answers", "tries"),
    [
        ("torch==9.9[+]cpu$", ["torch==9.9+cpu"]),
        (PUBLIC, ["torch==9.9+cpu", f"torch==9.9+cpu {PUBLIC}/cpu"]),
        ("torch==9.9$", ["torch==9.9+cpu", f"torch==9.9+cpu {PUBLIC}/cpu", "torch==9.9"]),
    ],
)
def test_torch_comes_first_and_for_cpus(tmp_path: Path, answers: str, tries: list[str]):
    asked = install(tmp_path, answers)
    assert asked[: len(tries)] == tries
    assert asked[len(tries) :][0].endswith("uv")
    assert asked[-1].endswith(f"--constraint {tmp_path}/venv/constraints.txt --editable .[dev]")
    assert (tmp_path / "venv" / "constraints.txt").read_text() == "torch==9.9+cpu\n"
    assert len(asked) == len(tries) + 2


def test_a_named_build_of_torch_is_taken_as_named(tmp_path: Path):
    tries = install(tmp_path, PUBLIC, torch="9.9+cu130")[:2]
    assert tries == ["torch==9.9+cu130", f"torch==9.9+cu130 {PUBLIC}/cu130"]


def test_pip_steps_in_where_uv_finds_nothing(tmp_path: Path):
    *_, by_uv, by_pip = install(tmp_path, "torch", uv=1)
    assert by_uv.endswith(by_pip)
    assert by_pip == f"--constraint {tmp_path}/venv/constraints.txt --editable .[dev]"


def test_an_old_python_is_refused_by_name(tmp_path: Path):
    command = [ROOT / "scripts" / "install.sh", tmp_path / "venv", "9.9"]
    done = subprocess.run(command, env={**os.environ, "PYTHON": "false"}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "No Python 3.11 or newer among: false" in done.stderr
    assert "make PYTHON=" in done.stderr


def opengl(folder: Path, works_after: str, tools: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Look for OpenGL on a machine with nothing but `tools`, where it draws once `works_after` was installed."""
    fakes = {
        "python": f'if [ -e "{folder}/{works_after}" ]; then echo egl; else echo "install {works_after}" >&2; exit 1; fi',
        "apt-get": f'for package; do : >"{folder}/$package"; done; echo noise',
        "id": "echo 0",
    }
    for name in ("python", *tools):
        (folder / name).write_text(f"#!/bin/sh\n{fakes[name]}\n")
        (folder / name).chmod(0o755)
    (folder / "cat").symlink_to(shutil.which("cat") or "/bin/cat")
    command = ["/bin/sh", ROOT / "scripts" / "opengl.sh", folder / "python"]
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("library", ["libegl1", "libosmesa6"])
def test_a_missing_opengl_library_is_installed_by_root(tmp_path: Path, library: str):
    done = opengl(tmp_path, library, ("id", "apt-get"))
    assert (done.returncode, done.stdout) == (0, "egl\n")
    assert (tmp_path / "libosmesa6").exists() == (library == "libosmesa6"), "EGL comes first"


@pytest.mark.parametrize(("library", "tools"), [("libegl1", ("id",)), ("libother", ("id", "apt-get"))])
def test_without_an_opengl_library_the_remedy_is_said(tmp_path: Path, library: str, tools: tuple[str, ...]):
    done = opengl(tmp_path, library, tools)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(f"install {library}\n")
