"""Shards: what is written is read, by us and by Hugging Face `datasets`; what is not ours is named."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from objrep_gym.data.generate import Recipe, generate
from objrep_gym.data.shards import ShardsError, Stored, check_shard, read_layout, write_shard
from objrep_gym.scenes.world import scene_streams
from tests.data.fake import SquaresDescription

RECIPE = Recipe(SquaresDescription(objects=2), count=50, seed=1, outputs=("image", "mask", "depth"), rows=20)


@pytest.fixture
def folder(tmp_path):
    return generate(RECIPE, tmp_path / "shards", progress=False).folder


def drawn(indices):
    world = RECIPE.world.open()
    return world.render(world.sample(scene_streams(1, "train", 0, 50), 50)[indices], RECIPE.outputs)


def test_scenes_come_back_in_any_order_and_across_shards(folder):
    indices = np.array([49, 0, 19, 20, 20, 3])
    stored = Stored(folder)
    got, wanted = stored.read(indices, RECIPE.outputs), drawn(indices)
    for name in ("image", "mask", "depth", "factors"):
        assert np.array_equal(getattr(got, name), getattr(wanted, name)), name
        assert getattr(got, name).dtype == getattr(wanted, name).dtype
    assert (stored.about, stored.size, stored.examples) == (RECIPE.world.open().about, (8, 8), 50)


def test_hugging_face_datasets_opens_a_folder(folder):
    import datasets

    rows = datasets.load_dataset(str(folder))["train"]
    wanted = drawn(np.arange(50))
    assert len(rows) == 50
    assert rows.column_names == ["image", "mask", "depth", "hue", "x"]
    assert rows[21]["image"] == wanted.image[21].tobytes()
    assert np.frombuffer(rows[21]["depth"], "<f4").reshape(8, 8).tolist() == wanted.depth[21].tolist()
    assert np.array_equal(np.float32(rows[21]["hue"]), wanted.factors[21, :, 0])


def test_missing_entities_stay_nan(tmp_path):
    layout, _ = read_layout(generate(RECIPE, tmp_path / "one", progress=False).folder / RECIPE.shards()[0])
    view = drawn(np.arange(5))
    view.factors[2, 1] = np.nan
    (tmp_path / "two").mkdir()
    write_shard(tmp_path / "two" / "a.parquet", view, layout)
    assert np.array_equal(Stored(tmp_path / "two").read(np.arange(5)).factors, view.factors, equal_nan=True)


def test_a_negative_number_or_one_too_large_is_refused(folder):
    for index in (50, -1):
        with pytest.raises(IndexError, match=str(index)):
            Stored(folder).read(np.array([0, index]))


def test_pictures_that_were_not_generated_are_refused(tmp_path):
    out = generate(replace(RECIPE, outputs=("image",)), tmp_path / "out", progress=False).folder
    with pytest.raises(ShardsError, match="no mask: generate it anew"):
        Stored(out).read(np.arange(2), ("image", "mask"))


def test_a_folder_without_shards_says_what_makes_some(tmp_path):
    with pytest.raises(ShardsError, match="objrep-gym generate objects-room"):
        Stored(tmp_path)


def test_shards_of_two_kinds_are_refused(folder, tmp_path):
    other = generate(replace(RECIPE, outputs=("image",)), tmp_path / "other", progress=False).folder
    (folder / "zz.parquet").write_bytes((other / RECIPE.shards()[0]).read_bytes())
    with pytest.raises(ShardsError, match=r"zz\.parquet holds scenes of another kind"):
        Stored(folder)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"not parquet" * 10])
def test_something_else_under_the_name_of_a_shard_is_named(tmp_path, content):
    (tmp_path / "train-00000-of-00001.parquet").write_bytes(content)
    with pytest.raises(ShardsError, match=r"train-00000-of-00001\.parquet is damaged or no Parquet"):
        Stored(tmp_path)


def test_a_parquet_file_of_others_is_named(tmp_path):
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "theirs.parquet")
    with pytest.raises(ShardsError, match=r"theirs\.parquet is a Parquet file without scenes"):
        Stored(tmp_path)


def test_an_untouched_shard_passes_its_check_and_a_shorter_one_does_not(folder):
    path = folder / RECIPE.shards()[2]
    layout, rows = read_layout(path)
    assert rows == 10
    check_shard(path, layout, 10)
    with pytest.raises(ShardsError, match="10 scenes of another kind than the 20"):
        check_shard(path, layout, 20)


def test_no_factor_may_be_named_as_a_picture():
    world = RECIPE.world.open()
    layout = read_like(world, ("hue", "mask"))
    with pytest.raises(ValueError, match="may not be named as pictures"):
        layout.schema()


def read_like(world, factors):
    from objrep_gym.data.shards import Layout

    return Layout(replace(world.about, factors=factors), world.size, ("image",))
