"""Folders of shards that grow while frames come in."""

import os
import subprocess
import sys

import numpy as np
import pytest

from objrep_gym.data import recording
from objrep_gym.data.recording import Recording, check_folder
from objrep_gym.data.shards import Layout, ShardsError, read_shard
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About

ABOUT = About(("floor", "thing"), ("x",), (0,), 1)
LAYOUT = Layout(ABOUT, (4, 6), ("image", "mask"))


def frames(count: int, first: int = 0) -> View:
    """Frames that are numbered by their pixels."""
    number = np.arange(first, first + count)
    image = np.broadcast_to(number[:, None, None, None], (count, 4, 6, 3)).astype(np.uint8)
    return View(image, image[..., 0] % 2, None, np.broadcast_to(number[:, None, None], (count, 2, 1)).astype(np.float32))


def numbers(folder) -> list[list[int]]:
    return [read_shard(path, ("image", "mask")).image[:, 0, 0, 0].tolist() for path in sorted(folder.glob("*.parquet"))]


def test_frames_become_shards_in_their_order(tmp_path):
    out = Recording(tmp_path / "seen", LAYOUT, rows=5)
    for first in range(0, 12, 3):
        out.add(frames(3, first))
    assert numbers(out.out) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert out.scenes == 12
    out.close()
    out.close()
    assert numbers(out.out) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]
    view = read_shard(out.out / "train-00001.parquet", ("image", "mask"))
    assert view.mask[:, 0, 0].tolist() == [1, 0, 1, 0, 1]
    assert view.factors[:, 1, 0].tolist() == [5, 6, 7, 8, 9]
    with pytest.raises(ShardsError, match="closed"):
        out.add(frames(1))


def test_many_frames_at_once_are_several_shards(tmp_path):
    out = Recording(tmp_path / "seen", LAYOUT, rows=2)
    out.add(frames(5))
    out.close()
    assert numbers(out.out) == [[0, 1], [2, 3], [4]]


def test_a_recording_goes_on_behind_an_earlier_one(tmp_path):
    for first in (0, 4):
        out = Recording(tmp_path / "seen", LAYOUT, rows=3)
        assert out.scenes == first
        out.add(frames(4, first))
        out.close()
    assert numbers(out.out) == [[0, 1, 2], [3], [4, 5, 6], [7]]


def test_a_kill_loses_what_waits_and_nothing_else(tmp_path):
    code = (
        "import os; from tests.data.test_recording import *; from pathlib import Path\n"
        "out = Recording(Path({!r}), LAYOUT, rows=3); out.add(frames(8)); os.kill(os.getpid(), 9)"
    ).format(str(tmp_path / "seen"))
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, check=False)
    assert done.returncode == -9
    assert numbers(tmp_path / "seen") == [[0, 1, 2], [3, 4, 5]]
    (tmp_path / "seen" / "train-00002.parquet.123.partial").write_bytes(b"half a shard")
    out = Recording(tmp_path / "seen", LAYOUT, rows=3)
    out.add(frames(1, 9))
    out.close()
    assert numbers(tmp_path / "seen") == [[0, 1, 2], [3, 4, 5], [9]]


def test_a_full_disk_keeps_the_frames_that_wait(tmp_path, monkeypatch):
    out = Recording(tmp_path / "seen", LAYOUT, rows=3)

    def full(path, content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(recording.whole, "write", full)
        with pytest.raises(OSError, match="the disk is full"):
            out.add(frames(4))
    out.close()
    assert numbers(out.out) == [[0, 1, 2, 3]]


def test_what_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for begin in (lambda: check_folder(tmp_path / "mine"), lambda: Recording(tmp_path / "mine", LAYOUT)):
        with pytest.raises(ShardsError, match="holds no recording, but thesis"):
            begin()
    check_folder(tmp_path / "nowhere")
    Recording(tmp_path / "seen", LAYOUT).close()
    check_folder(tmp_path / "seen")
    with pytest.raises(ShardsError, match="size"):
        Recording(tmp_path / "seen", Layout(ABOUT, (8, 8), ("image", "mask")))


def test_two_recordings_at_once_are_refused(tmp_path):
    out = Recording(tmp_path / "seen", LAYOUT)
    with pytest.raises(ShardsError, match="filled by another process"):
        Recording(tmp_path / "seen", LAYOUT)
    out.close()
    Recording(tmp_path / "seen", LAYOUT).close()


def test_a_damaged_shard_is_named_and_the_folder_let_go(tmp_path):
    Recording(tmp_path / "seen", LAYOUT).close()
    damaged = tmp_path / "seen" / "train-00000.parquet"
    damaged.write_bytes(b"no shard")
    with pytest.raises(ShardsError, match=r"train-00000.parquet is damaged"):
        Recording(tmp_path / "seen", LAYOUT)
    damaged.unlink()
    Recording(tmp_path / "seen", LAYOUT).close()


def test_other_pictures_do_not_fit(tmp_path):
    out = Recording(tmp_path / "seen", LAYOUT)
    with pytest.raises(ValueError, match=r"\(4, 6\)"):
        out.add(View(np.zeros((1, 5, 6, 3), np.uint8), np.zeros((1, 5, 6), np.uint8), None, np.zeros((1, 2, 1))))
    with pytest.raises(ValueError, match="at least 1"):
        Recording(tmp_path / "other", LAYOUT, rows=0)
    out.close()


def test_large_pictures_make_smaller_shards(tmp_path):
    out = Recording(tmp_path / "seen", Layout(ABOUT, (2048, 2048), ("image",)))
    assert out.rows == 5
    out.close()
