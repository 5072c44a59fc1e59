"""Generation: the same bytes for any number of workers and after any kill, and nothing of anybody else's overwritten."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from objrep_gym.cli import main
from objrep_gym.data import drawing, drawn
from objrep_gym.data import generate as module
from objrep_gym.data.filling import alone
from objrep_gym.data.generate import MANIFEST, Recipe, generate
from objrep_gym.data.objects_room import ObjectsRoom
from objrep_gym.data.shards import ShardsError, Stored, write_shard
from tests.data.fake import SquaresDescription

ROOT = Path(__file__).parents[2]
RECIPE = Recipe(SquaresDescription(), count=100, seed=3, rows=16)
CHILD = """
import sys
from tests.data.fake import SquaresDescription
from objrep_gym.data.generate import Recipe, generate
if __name__ == "__main__":
    recipe = Recipe(SquaresDescription(slow=0.005), count=100, seed=3, rows=16)
    generate(recipe, sys.argv[1], int(sys.argv[2]), progress=False)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def child(script: Path, out: Path, workers: int) -> subprocess.Popen:
    script.write_text(CHILD)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, script, out, str(workers)], env=environment)


def test_two_workers_write_the_same_bytes(tmp_path):
    generate(RECIPE, tmp_path / "one", workers=1, progress=False)
    generate(RECIPE, tmp_path / "two", workers=2, progress=False)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) == 7 + 1


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_run_again_the_bytes_are_the_same(tmp_path, workers):
    """SIGKILL of the process and, as they find its pipe broken, of its workers, at moments all over the work."""
    slow = replace(RECIPE, world=SquaresDescription(slow=0.005))
    whole = contents(generate(slow, tmp_path / "whole", progress=False).folder)
    out, moments, kills = tmp_path / "killed", random.Random(workers), 0
    for _ in range(30):
        process = child(tmp_path / "child.py", out, workers)
        try:
            shards = len(list(out.glob("*.parquet"))) if out.exists() else 0
            while process.poll() is None and len(list(out.glob("*.parquet")) if out.exists() else []) < shards + 2:
                time.sleep(0.002)
            time.sleep(moments.random() * 0.03)
        finally:
            process.kill()
            process.wait()
        if process.returncode == 0:
            break
        kills += 1
    assert process.returncode == 0
    assert kills >= 2
    assert contents(out) == whole


def test_an_example_is_a_function_of_seed_and_number_alone(tmp_path):
    long = Stored(generate(RECIPE, tmp_path / "long", progress=False).folder).read(np.arange(37), ("image", "mask"))
    short = Stored(generate(replace(RECIPE, count=37, rows=5), tmp_path / "short", progress=False).folder)
    again = short.read(np.arange(37), ("image", "mask"))
    assert all(np.array_equal(getattr(long, name), getattr(again, name)) for name in ("image", "mask", "factors"))
    other = Stored(generate(replace(RECIPE, seed=4), tmp_path / "other", progress=False).folder).read(np.arange(37))
    assert not np.array_equal(long.factors, other.factors)


def test_splits_share_no_scene(tmp_path):
    first = [
        Stored(generate(replace(RECIPE, split=split), tmp_path / split, progress=False).folder).read(np.arange(5)).factors
        for split in ("train", "validation", "test")
    ]
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[2])
    assert not np.array_equal(first[1], first[2])


def test_a_full_disk_keeps_what_is_whole_and_goes_on_with_room(tmp_path, monkeypatch):
    written = []

    def fills_up(path, view, layout):
        if len(written) == 2:
            path.write_bytes(b"half a shard")
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        write_shard(path, view, layout)

    monkeypatch.setattr(drawing, "write_shard", fills_up)
    with pytest.raises(OSError, match=r"the disk is full.*run the same command again") as caught:
        generate(RECIPE, tmp_path / "out", progress=False)
    assert caught.value.errno == errno.ENOSPC
    assert len(contents(tmp_path / "out")) == 2 + 1
    monkeypatch.undo()
    generate(RECIPE, tmp_path / "out", progress=False)
    assert contents(tmp_path / "out") == contents(generate(RECIPE, tmp_path / "whole", progress=False).folder)


@pytest.mark.parametrize("begun", [False, True])
def test_a_foreign_file_is_left_alone(tmp_path, begun):
    out = tmp_path / "out"
    if begun:
        generate(RECIPE, out, progress=False)
    out.mkdir(exist_ok=True)
    (out / "thesis.txt").write_text("mine")
    before = contents(out)
    with pytest.raises(ShardsError, match=r"thesis\.txt"):
        generate(RECIPE, out, progress=False)
    assert contents(out) == before


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ShardsError, match="is a file"):
        generate(RECIPE, tmp_path / "out", progress=False)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 4}, r"recipe\.seed was 3, now 4"),
        ({"count": 101}, r"recipe\.count was 100, now 101"),
        ({"split": "test"}, r"recipe\.split was 'train', now 'test'"),
        ({"world": SquaresDescription(objects=2)}, r"recipe\.world\.objects was 1, now 2"),
    ],
)
def test_other_settings_are_refused(tmp_path, changed, message):
    out = generate(RECIPE, tmp_path / "out", progress=False).folder
    before = contents(out)
    with pytest.raises(ShardsError, match=message):
        generate(replace(RECIPE, **changed), out, progress=False)
    assert contents(out) == before


def test_a_damaged_shard_is_named_and_drawn_again_once_deleted(tmp_path):
    out = generate(RECIPE, tmp_path / "out", progress=False).folder
    whole, victim = contents(out), out / RECIPE.shards()[3]
    column = pq.read_metadata(victim).row_group(0).column(0)
    pixels = bytearray(whole[victim.name])
    pixels[column.data_page_offset + column.total_compressed_size - 3] ^= 1
    victim.write_bytes(pixels)
    with pytest.raises(ShardsError, match=f"{victim.name} is damaged.*delete it"):
        generate(RECIPE, out, progress=False)
    assert victim.read_bytes() == bytes(pixels)
    victim.unlink()
    generate(RECIPE, out, progress=False)
    assert contents(out) == whole


def test_a_damaged_manifest_is_named(tmp_path):
    out = generate(RECIPE, tmp_path / "out", progress=False).folder
    (out / MANIFEST).write_text("{")
    with pytest.raises(ShardsError, match=MANIFEST):
        generate(RECIPE, out, progress=False)


def test_a_folder_in_use_is_refused(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with alone(out), pytest.raises(ShardsError, match="by another process"):
        generate(RECIPE, out, progress=False)
    generate(RECIPE, out, progress=False)


def test_a_worker_that_dies_is_told_of(tmp_path):
    with pytest.raises(RuntimeError, match=r"exit code -9.*run the same command again"):
        generate(replace(RECIPE, world=Deadly()), tmp_path / "out", workers=2, progress=False)


def test_an_error_of_a_worker_is_raised_here(tmp_path):
    with pytest.raises(ZeroDivisionError):
        generate(replace(RECIPE, world=Faulty()), tmp_path / "out", workers=2, progress=False)


class Deadly(SquaresDescription):
    def open(self):
        world = super().open()
        world.render = lambda factors, outputs: os.kill(os.getpid(), signal.SIGKILL)
        return world


class Faulty(SquaresDescription):
    def open(self):
        world = super().open()
        world.render = lambda factors, outputs: 1 / 0
        return world


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"split": "dev"}, "'dev' is none of train"),
        ({"count": 0}, "count 0"),
        ({"seed": -1}, "seed -1"),
        ({"outputs": ("mask",)}, "must be image"),
        ({"outputs": ("image", "normals")}, "depth"),
    ],
)
def test_impossible_recipes_are_refused_before_anything_is_made(tmp_path, changed, message):
    with pytest.raises(ValueError, match=message):
        generate(replace(RECIPE, **changed), tmp_path / "out", progress=False)
    with pytest.raises(ValueError, match="workers is 0"):
        generate(RECIPE, tmp_path / "out", workers=0, progress=False)
    assert not (tmp_path / "out").exists()


def test_progress_is_told_in_lines_where_there_is_no_terminal(tmp_path, capsys):
    generate(RECIPE, tmp_path / "out")
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("generate out 100/100  ")
    assert "images/s" in last
    assert "0:00:00 left" in last


def test_memory_does_not_grow_with_the_number_of_scenes(tmp_path):
    """Python's and numpy's allocations at their peak: sixteen shards need no more than four."""
    small = replace(RECIPE, world=SquaresDescription(size=32), rows=64)
    generate(replace(small, count=64), tmp_path / "warm", progress=False)
    peaks = []
    for count in (256, 1024):
        tracemalloc.start()
        generate(replace(small, count=count), tmp_path / str(count), progress=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0], peaks


def test_sampling_and_writing_cost_less_than_rendering(tmp_path):
    """Objects Room, with its texture, at 64×64, CPU seconds of 1,024 scenes; the first shard only warms up."""
    pytest.importorskip("mujoco")
    task = drawing.Task(Recipe(ObjectsRoom(), count=2048), module.describe(Recipe()), tmp_path)
    world = task.recipe.world.open()
    try:
        list(task.shard(world, 0))
        spent = dict.fromkeys(("sample", "render", "write"), 0.0)
        for news in task.shard(world, 1):
            for name, seconds in news.seconds.items():
                spent[name] += seconds
    finally:
        world.close()
    assert spent["sample"] + spent["write"] < spent["render"], spent


@pytest.mark.parametrize("name", drawn())
def test_every_world_is_a_subcommand(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["generate", name, "--help"])
    assert ended.value.code == 0
    assert "--count" in capsys.readouterr().out
