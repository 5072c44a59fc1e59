"""Settings that hold for every test: one thread for each process, no display, the folder of published samples."""

import os
import sys
from pathlib import Path

import pytest

# pytest-xdist already uses every core with a process of its own: threads on top of that only wait for each other. The
# workers inherit this, and it must be said before numpy or torch is first imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("WANDB_MODE", "offline")

# Ours finds an OpenGL library by itself; other environments of MuJoCo need to be told, and `make` wrote down what works.
chosen = Path(sys.prefix) / ".opengl"
if "DISPLAY" not in os.environ and chosen.exists():
    os.environ.setdefault("MUJOCO_GL", chosen.read_text(encoding="utf-8").strip())

DATA = "OBJREP_GYM_DATA"


@pytest.fixture
def published_data() -> Path:
    """Folder of published samples: `objects_room_sample.png`, `mnist/`, `fashion_mnist/`. They are others' works and not
    part of the repository, so that a test which compares with them is skipped, by name, where they are missing."""
    folder = os.environ.get(DATA)
    if not folder:
        pytest.skip(f"{DATA} is not set: this test reads published samples (objects_room_sample.png, mnist/) from there")
    if not Path(folder).is_dir():
        pytest.fail(f"{DATA}={folder} is not a folder")
    return Path(folder)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in a folder of its own: a default such as `runs/` never lands in the checkout."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says of each engine and of each extra of agents that is not installed that nothing was tested by it: one skipped test
    looks like another."""
    from importlib.util import find_spec

    from objrep_gym.scenes.engines import ENGINES, EXTRAS, installed

    for name in [name for name in ENGINES if name not in installed()]:
        terminalreporter.write_line(f"not tested: engine {name!r}, as objrep-gym[{EXTRAS[name][1]}] is not installed")
    for module, extra in {"sb3_contrib": "recurrent", "tensorboard": "tensorboard"}.items():
        if find_spec(module) is None:
            terminalreporter.write_line(f"not tested: {module}, as objrep-gym[{extra}] is not installed")
