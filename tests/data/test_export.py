"""Export: the same scenes in the same order for every reader, the same bytes after any stop, nothing of others
overwritten."""

import errno
import gzip
import io
import json
import struct
import tarfile
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from objrep_gym.data import DATASETS, drawing, formats
from objrep_gym.data import export as module
from objrep_gym.data.export import DrawnPacking, Packing, export_scenes
from objrep_gym.data.filling import alone
from objrep_gym.data.generate import Recipe, generate
from objrep_gym.data.published import import_scenes
from objrep_gym.data.shards import ShardsError, Stored
from objrep_gym.data.tfrecords import PublishedObjectsRoom, published_ids
from objrep_gym.scenes.world import About
from tests.data import foreign
from tests.data.fake import SquaresDescription

RECIPE = Recipe(SquaresDescription(objects=2), count=50, seed=1, rows=20)
SUFFIXES = {"tfrecords": ".tfrecords", "webdataset": ".tar", "parquet": ".parquet"}
every_format = pytest.mark.parametrize("form", SUFFIXES)


@pytest.fixture
def folder(tmp_path):
    return generate(RECIPE, tmp_path / "shards", progress=False).folder


def view(folder, count=50):
    return Stored(folder).read(np.arange(count), ("image", "mask"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def export(folder, out, form, **how):
    return export_scenes(str(folder), out, Packing(form, **how), progress=False)


def records(path: Path):
    """Features of each record, by protobuf's own library and a checksum that is not ours."""
    raw, at = gzip.decompress(path.read_bytes()), 0
    while at < len(raw):
        (length, crc), start = struct.unpack_from("<QI", raw, at), at + 12
        content = raw[start : start + length]
        assert crc == foreign.masked(raw[at : at + 8])
        assert struct.unpack_from("<I", raw, start + length) == (foreign.masked(content),)
        yield {name: feature.b.value for name, feature in foreign.messages().FromString(content).features.feature.items()}
        at = start + length + 4


def test_tfrecords_are_as_published_readers_expect_them(folder, tmp_path):
    """`FixedLenFeature([64, 64, 3], string)` wants a string for each number: one byte each."""
    out = export(folder, tmp_path / "out", "tfrecords")
    paths = sorted(out.glob("*.tfrecords"))
    assert [path.name for path in paths] == [f"train-0000{n}-of-00003.tfrecords" for n in range(3)]
    found = [features for path in paths for features in records(path)]
    wanted = view(folder)
    assert len(found) == 50
    for row, features in enumerate(found):
        assert set(features) == {"image", "mask"}
        assert {len(byte) for byte in features["image"]} == {1}
        assert b"".join(features["image"]) == wanted.image[row].tobytes()
        masks = np.frombuffer(b"".join(features["mask"]), np.uint8).reshape(3, 8, 8)
        assert set(np.unique(masks)) <= {0, 255}
        assert np.array_equal(masks.argmax(0), wanted.mask[row])
        assert (masks.sum(0, dtype=int) == 255).all()


def test_rooms_get_the_masks_that_are_published(tmp_path):
    """Sky, floor, two halves of the wall, objects; what is exported is imported as the published set."""
    pytest.importorskip("mujoco")
    what = "objects-room:engine=raycast,look=plain"
    out = export_scenes(what, tmp_path / "out", DrawnPacking("tfrecords", 6, seed=3), progress=False)
    assert {len(features["mask"]) for features in records(out / "train-00000-of-00001.tfrecords")} == {7 * 64 * 64}
    done = import_scenes(PublishedObjectsRoom(str(out)), tmp_path / "back", progress=False)
    assert (done.scenes, done.damaged) == (6, 0)
    recipe = Recipe(replace(DATASETS["objects-room"], engine="raycast", look="plain"), 6, 3)
    drawn, back = view(generate(recipe, tmp_path / "drawn", progress=False).folder, 6), view(tmp_path / "back", 6)
    assert np.array_equal(back.image, drawn.image)
    assert np.array_equal(back.mask, np.array([0, 1, 2, 2, 3, 3, 4, 5, 6])[drawn.mask])


def test_ids_of_other_worlds_stay():
    assert published_ids(About(("table", "object_0", "object_1"), (), (), 1)).tolist() == [0, 1, 2]


def test_webdataset_has_pictures_ids_and_factors_side_by_side(folder, tmp_path):
    out, wanted, names = export(folder, tmp_path / "out", "webdataset"), view(folder), []
    for path in sorted(out.glob("*.tar")):
        with tarfile.open(path) as archive:
            for entry in archive:
                number, kind = entry.name.split(".", 1)
                names.append((int(number), kind))
                content = archive.extractfile(entry).read()
                if kind == "json":
                    told = json.loads(content)
                    flat = [[told[entity][name] for name in ("hue", "x")] for entity in ("back", "object_0", "object_1")]
                    assert np.array_equal(np.float32(flat), wanted.factors[int(number)])
                else:
                    pixels = {"png": wanted.image, "mask.png": wanted.mask}[kind][int(number)]
                    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), pixels)
    assert names == [(number, kind) for number in range(50) for kind in ("png", "mask.png", "json")]


def test_an_entity_that_does_not_exist_is_not_in_the_json():
    about = About(("back", "object_0"), ("hue", "x"), (0, 0), 1)
    assert formats.named(about, np.array([[0.5, np.nan], [np.nan, np.nan]], np.float32)) == {"back": {"hue": 0.5}}


def test_parquet_is_a_dataset_of_the_hub(folder, tmp_path):
    import datasets

    out = export(folder, tmp_path / "out", "parquet")
    rows = datasets.load_dataset(str(out))["train"]
    wanted = view(folder)
    assert isinstance(rows.features["image"], datasets.Image)
    assert isinstance(rows.features["mask"], datasets.Image)
    assert len(rows) == 50
    for row in (0, 19, 20, 49):
        assert np.array_equal(np.asarray(rows[row]["image"]), wanted.image[row])
        assert np.array_equal(np.asarray(rows[row]["mask"]), wanted.mask[row])
        assert np.array_equal(np.float32(rows[row]["hue"]), wanted.factors[row, :, 0])


def test_the_card_says_what_the_columns_are_and_how_it_was_made(folder, tmp_path, monkeypatch):
    from objrep_gym.cli import main

    text = (export(folder, tmp_path / "out", "parquet", count=45) / "README.md").read_text()
    for words in (
        "license: apache-2.0",
        'path: "train-*.parquet"',
        "- n<1K",
        "# 45 scenes",
        "0 back, 1 object_0, 2 object_1. Ids below 1",
    ):
        assert words in text
    for words in ("| `hue` | 3 float32", "| world.objects | 2 |", "| seed | 1 |"):
        assert words in text
    assert str(tmp_path) not in text, "paths of this machine stay here"
    (line,) = [line for line in text.splitlines() if line.startswith("objrep-gym ")]
    done = []
    monkeypatch.setattr(
        "objrep_gym.experiments.export.export_scenes", lambda what, out, how: done.append((what, how)) or out
    )
    monkeypatch.chdir(folder.parent)
    assert main(line.split()[1:]) == 0
    assert done == [("shards", Packing("parquet", 45))]


def test_what_others_published_is_not_licensed_by_us(tmp_path):
    (tmp_path / "objects_room_train.tfrecords").write_bytes(foreign.BY_TFRECORD)
    out = export(f"published-objects-room:folder={tmp_path}", tmp_path / "out", "parquet")
    assert "license" not in (out / "README.md").read_text()


@every_format
def test_a_count_takes_the_first_scenes(folder, tmp_path, form):
    whole, part = export(folder, tmp_path / "whole", form), export(folder, tmp_path / "part", form, count=20)
    assert [path.name for path in sorted(part.glob("train-*"))] == [f"train-00000-of-00001{SUFFIXES[form]}"]
    assert next(part.glob("train-*")).read_bytes() == (whole / f"train-00000-of-00003{SUFFIXES[form]}").read_bytes()
    assert len(list(export(folder, tmp_path / "more", form, count=21).glob("train-*"))) == 2


@every_format
def test_drawn_scenes_are_those_that_are_generated(tmp_path, form, monkeypatch):
    """A dataset that is drawn and its shards give the same files."""
    monkeypatch.setitem(DATASETS, "squares", SquaresDescription(objects=2))
    monkeypatch.setattr(drawing, "CHUNK", 7)
    shards = generate(replace(RECIPE, rows=1024, split="test"), tmp_path / "shards", progress=False).folder
    drawn = export_scenes("squares", tmp_path / "drawn", DrawnPacking(form, 50, seed=1, split="test"), progress=False)
    stored = export(shards, tmp_path / "stored", form)
    names = [name for name in contents(drawn) if name.startswith("test-")]
    assert len(names) == 1
    assert contents(drawn)[names[0]] == contents(stored)[names[0]]


@every_format
def test_stopped_and_run_again_the_bytes_are_the_same(folder, tmp_path, monkeypatch, form):
    whole = contents(export(folder, tmp_path / "whole" / "out", form))
    real, written = formats.FORMATS[form], []

    def fills_up(path, portion):
        if len(written) == 2:
            path.write_bytes(b"half a file")
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        real.write(path, portion)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(module, "FORMATS", {form: replace(real, write=fills_up)})
        with pytest.raises(OSError, match=r"the disk is full.*run the same command again"):
            export(folder, out, form)
    assert sorted(contents(out)) == ["export.json", *(f"train-0000{n}-of-00003{SUFFIXES[form]}" for n in range(2))]
    (out / f"train-00002-of-00003{SUFFIXES[form]}.77.partial").write_text("what a kill left")
    assert contents(export(folder, out, form)) == whole


@every_format
def test_other_settings_other_scenes_and_foreign_files_are_refused(folder, tmp_path, form):
    out = export(folder, tmp_path / "out", form)
    before = contents(out)
    with pytest.raises(ShardsError, match="count was 50, now 49"):
        export(folder, out, form, count=49)
    other = generate(replace(RECIPE, seed=2), tmp_path / "other", progress=False).folder
    with pytest.raises(ShardsError, match=r"origin\.shards was .*recipe\.seed was 1, now 2"):
        export(other, out, form)
    with alone(out), pytest.raises(ShardsError, match="by another process"):
        export(folder, out, form)
    assert contents(out) == before
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("mine")
    with pytest.raises(ShardsError, match=r"thesis\.txt"):
        export(folder, tmp_path / "theirs", form)
    with pytest.raises(ShardsError, match="other settings"):
        export(folder, folder.parent / "out", next(name for name in SUFFIXES if name != form))


def test_shards_are_not_exported_over_themselves(folder):
    before = contents(folder)
    with pytest.raises(ShardsError, match="is not empty"):
        export(folder, folder, "parquet")
    assert contents(folder) == before


def test_a_damaged_shard_is_named(folder, tmp_path):
    victim = folder / RECIPE.shards()[1]
    raw = bytearray(victim.read_bytes())
    raw[len(raw) // 3] ^= 1
    victim.write_bytes(raw)
    with pytest.raises(ShardsError, match=rf"{victim.name} is damaged.*generate or import it anew"):
        export(folder, tmp_path / "out", "webdataset")


def test_what_a_format_cannot_hold_is_refused(tmp_path):
    bare = generate(replace(RECIPE, outputs=("image",)), tmp_path / "bare", progress=False).folder
    with pytest.raises(ValueError, match="has no mask, which tfrecords files hold"):
        export(bare, tmp_path / "out", "tfrecords")
    assert not (tmp_path / "out").exists()
    with tarfile.open(export(bare, tmp_path / "w", "webdataset") / "train-00000-of-00003.tar") as archive:
        assert {name.split(".", 1)[1] for name in archive.getnames()} == {"png", "json"}
    assert "`mask`" not in (export(bare, tmp_path / "p", "parquet") / "README.md").read_text()


def test_more_scenes_than_there_are_are_refused(folder, tmp_path):
    for count in (0, 51):
        with pytest.raises(ValueError, match=f"count is {count}: .* holds 50 scenes"):
            export(folder, tmp_path / "out", "webdataset", count=count)


@every_format
def test_memory_does_not_grow_with_the_number_of_scenes(tmp_path, form, monkeypatch):
    """Python's and numpy's allocations at their peak: sixteen files need no more than four."""
    monkeypatch.setattr(drawing, "ROWS", 64)
    shards = generate(
        replace(RECIPE, world=SquaresDescription(size=32), count=1024, rows=64), tmp_path / "s", progress=False
    )
    export(shards.folder, tmp_path / "warm", form, count=64)
    peaks = []
    for count in (256, 1024):
        tracemalloc.start()
        export(shards.folder, tmp_path / str(count), form, count=count)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0], peaks


def test_progress_is_told(folder, tmp_path, capsys):
    export_scenes(str(folder), tmp_path / "out", Packing("webdataset"))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("export out 50/50  ")
    assert "images/s  0:00:00 left" in last


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["shards", "--dtype", "fp16"], "--dtype is no option of shards, which is stored, which takes --format, --count"),
        (["shards", "--seed", "3"], "--seed is no option of shards, which is stored"),
        (["objects-room", "--exams", "x"], "--exams is no option of objects-room, which is drawn, which takes --format"),
        (["runs", "--format", "parquet"], "--format is no option of runs, a run, which takes --dtype, --exams, --count"),
        (["empty"], "empty holds neither a training run (run.json) nor scenes (*.parquet)"),
        (["nothing"], "'nothing' is neither a dataset"),
    ],
)
def test_options_of_something_else_are_an_error_that_says_so(folder, tmp_path, capsys, words, message, monkeypatch):
    from objrep_gym.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "run.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    assert main(["export", *words, "--out", "out"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
