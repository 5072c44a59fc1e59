"""Published sets: read from small files in their layouts, made by a writer that is not ours, damaged ones among them."""

import gzip
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from objrep_gym.data import open_source, published
from objrep_gym.data.published import Published, import_scenes
from objrep_gym.data.scenenet import SceneNet
from objrep_gym.data.shards import ShardsError, Stored, read_layout
from objrep_gym.data.tfrecords import Clevr, MultiDSprites, PublishedObjectsRoom, Recorded, ids
from tests.data import foreign

CODES = ("size", "material", "shape", "color")
REALS = ("x", "y", "z", "rotation")


def one_hot(numbers, masks):
    return (numbers == np.arange(masks)[:, None, None]).astype(np.uint8) * 255


@cache
def room(masks=7, seed=0):
    """A record of Objects Room, and its image and ids."""
    noise = np.random.default_rng(seed)
    image = np.repeat(noise.integers(0, 256, (64, 1, 3), np.uint8), 64, axis=1)
    numbers = np.repeat(noise.integers(0, masks, (64, 1)), 64, axis=1)
    return foreign.example(image=image, mask=one_hot(numbers, masks)[..., None]), image, numbers


def table(seed=0, **changed):
    """A record of CLEVR with masks: five of eleven entities are there."""
    noise = np.random.default_rng(seed)
    image = np.zeros((240, 320, 3), np.uint8)
    image[29:221, 64:256] = np.arange(64, 256, dtype=np.uint8)[None, :, None]
    numbers = np.zeros((240, 320), int)
    for entity in range(1, 5):
        numbers[40 * entity : 40 * entity + 30, 50 * entity : 50 * entity + 30] = entity
    features = {name: noise.integers(1, 3, 11, np.uint8) for name in CODES}
    features |= {name: noise.random(11).astype(np.float32) for name in REALS}
    features |= {"pixel_coords": noise.random((11, 3)).astype(np.float32)}
    features |= {"visibility": (np.arange(11) < 5).astype(np.float32)}
    features |= {"image": image, "mask": one_hot(numbers, 11)[..., None], **changed}
    wanted = {name: value for name, value in features.items() if value is not None}
    return foreign.example(single=False, **wanted), image, numbers, features


def sprites(masks, channels, seed=0):
    """A record of Multi-dSprites, whose masks have the entity last."""
    noise = np.random.default_rng(seed)
    image = np.repeat(noise.integers(0, 256, (64, 1, channels), np.uint8), 64, axis=1)
    numbers = np.repeat(noise.integers(0, masks, (64, 1)), 64, axis=1)
    names = ("x", "y", "shape", "orientation", "scale")
    features = {name: noise.random(masks).astype(np.float32) for name in names}
    features |= {"color": noise.random((masks, channels)).astype(np.float32)}
    features |= {"visibility": (np.arange(masks) < masks - 1).astype(np.float32)}
    mask = np.moveaxis(one_hot(numbers, masks), 0, -1)[..., None]
    return foreign.example(image=image, mask=mask, **features), image, numbers, features


def read(dataset: Recorded):
    """The good scenes of a set's files, and its faults by record."""
    seen = [seen for path in dataset.files() for seen in dataset.scenes(path)]
    return [one.found for one in seen if one.found is not None], {one.name: one.fault for one in seen if one.fault}


@pytest.mark.parametrize(
    ("variant", "masks", "name"),
    [
        ("train", 7, "objects_room_train.tfrecords"),
        ("six-objects", 10, "objects_room_test_six_objects.tfrecords"),
        ("empty-room", 4, "objects_room_test_empty_room.tfrecords"),
        ("identical-color", 10, "objects_room_test_identical_color.tfrecords"),
    ],
)
def test_every_variant_of_objects_room_is_read(tmp_path, variant, masks, name):
    rooms = [room(masks, seed) for seed in range(2)]
    foreign.write(tmp_path / name, *(content for content, _, _ in rooms))
    dataset = PublishedObjectsRoom(str(tmp_path), variant)
    found, faults = read(dataset)
    assert not faults
    for (image, mask, factors), (_, wanted, numbers) in zip(found, rooms, strict=True):
        assert np.array_equal(image, wanted)
        assert np.array_equal(mask, numbers)
        assert (mask.dtype, factors.shape) == (np.uint8, (masks, 0))
    about = dataset.about()
    assert (about.entities[:4], about.background) == (("sky", "floor", "wall_0", "wall_1"), 4)
    assert len(about.entities) == masks


def test_a_file_of_the_tfrecord_package_is_read(tmp_path):
    (tmp_path / "objects_room_train.tfrecords").write_bytes(foreign.BY_TFRECORD)
    found, faults = read(PublishedObjectsRoom(str(tmp_path)))
    assert not faults
    for k, (image, mask, _) in enumerate(found, 1):
        assert image[0, 0].tolist() == [20, 30, 40]
        assert image[-1, 0].tolist() == [10 * k, 0, 0]
        assert np.argwhere(mask == 4)[[0, -1]].tolist() == [[40, k], [43, k + 8]]


def test_clevr_is_cropped_and_scaled_as_in_the_thesis(tmp_path):
    content, _, numbers, features = table()
    foreign.write(tmp_path / "clevr_with_masks_train.tfrecords", content)
    ((image, mask, _),), _ = read(Clevr(str(tmp_path), size=192))
    assert np.array_equal(image[..., 0], np.broadcast_to(np.arange(64, 256), (192, 192))), "no pixel outside the crop"
    assert np.array_equal(mask, numbers[29:221, 64:256])
    dataset = Clevr(str(tmp_path))
    ((image, mask, factors),), _ = read(dataset)
    assert image.shape == (128, 128, 3)
    middles = 64 + (np.arange(128) + 0.5) * 1.5 - 0.5  # of the pixels, in the columns of the published picture
    assert np.abs(image[5, 2:-2, 1] - middles[2:-2]).max() <= 1
    assert np.array_equal(mask, numbers[29:221, 64:256][np.ix_(*[(np.arange(128) * 3 + 1) // 2] * 2)])
    about = dataset.about()
    assert about.background == 1
    for name in (*REALS, *CODES):
        column = factors[:, about.factors.index(name)]
        assert np.array_equal(column[:5], features[name][:5].astype(np.float32))
        assert np.isnan(column[5:]).all(), "not visible: not there"
    first = about.factors.index("pixel_x")
    assert about.factors[first : first + 3] == ("pixel_x", "pixel_y", "pixel_depth")
    assert np.array_equal(factors[:5, first : first + 3], features["pixel_coords"][:5])


def test_clevr_is_read_with_the_shapes_that_are_asked_for(tmp_path):
    shown = [np.array([0, *there, *[1] * 6], np.uint8) for there in ([3, 3, 3, 3], [3, 2, 3, 2], [1, 3, 3, 2])]
    foreign.write(tmp_path / "clevr_with_masks_train.tfrecords", *(table(shape=shapes)[0] for shapes in shown))
    for shapes, count in (("", 3), ("3", 1), ("23", 2), ("1", 0)):
        assert len(read(Clevr(str(tmp_path), size=32, shapes=shapes))[0]) == count
    source = open_source(f"clevr:folder={tmp_path},size=32,shapes=23")
    assert source.examples == 2
    with pytest.raises(ShardsError, match="hold none that is asked for"):
        open_source(f"clevr:folder={tmp_path},size=32,shapes=1")


def test_clevr_is_read_whole_on_request(tmp_path):
    content, wanted, numbers, _ = table()
    foreign.write(tmp_path / "clevr_with_masks_train.tfrecords", content)
    ((image, mask, _),), _ = read(Clevr(str(tmp_path), "whole"))
    assert np.array_equal(image, wanted)
    assert np.array_equal(mask, numbers)


@pytest.mark.parametrize(
    ("variant", "masks", "channels"), [("binarized", 4, 1), ("colored-on-grayscale", 6, 3), ("colored-on-colored", 5, 3)]
)
def test_every_variant_of_multi_dsprites_is_read(tmp_path, variant, masks, channels):
    content, wanted, numbers, features = sprites(masks, channels)
    foreign.write(tmp_path / f"multi_dsprites_{variant.replace('-', '_')}.tfrecords", content)
    dataset = MultiDSprites(str(tmp_path), variant)
    ((image, mask, factors),), faults = read(dataset)
    assert not faults
    assert np.array_equal(image, np.broadcast_to(wanted, (64, 64, 3)))
    assert np.array_equal(mask, numbers)
    about = dataset.about()
    columns = [about.factors.index(name) for name in about.factors if name.startswith("color")]
    assert np.array_equal(factors[:-1, columns], features["color"][:-1])
    assert np.isnan(factors[-1]).all()


def test_masks_that_overlap_are_the_later_ones_and_none_is_the_first():
    masks = np.zeros((4, 1, 4), np.uint8)
    masks[[0, 2], 0, 0] = 255
    masks[[1, 3], 0, 1] = (255, 200)
    masks[0, 0, 2] = 255
    assert ids(masks).tolist() == [[2, 1, 0, 0]], "both whole: the later; the whole one; the only one; none at all"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"material": None}, "it has no 'material', only color, image,"),
        ({"image": np.zeros((240, 319, 3), np.uint8)}, "'image' has 229,680 values, and 240×320×3 = 230,400 are published"),
        ({"mask": np.zeros((10, 240, 320, 1), np.uint8)}, "'mask' has 768,000 values"),
        ({"image": np.zeros((240, 320, 3), np.int64)}, "'image' and 'mask' hold int64 and uint8, and bytes are published"),
        ({"pixel_coords": np.zeros(11, np.float32)}, "'pixel_coords' has 11 values, and 11×3 = 33 are published"),
    ],
)
def test_a_record_that_lacks_something_is_named_and_the_others_are_kept(tmp_path, changed, fault):
    """Another size in the middle, or a feature that is missing."""
    contents = [table(0)[0], table(1, **changed)[0], table(2)[0]]
    foreign.write(tmp_path / "clevr_with_masks_train.tfrecords", *contents)
    found, faults = read(Clevr(str(tmp_path)))
    assert len(found) == 2
    assert list(faults) == ["record 1"]
    assert fault in faults["record 1"]


@pytest.fixture
def rooms(tmp_path):
    """A folder with thirty rooms as published, in one file."""
    contents = [room(seed=seed)[0] for seed in range(30)]
    foreign.write(tmp_path / "rooms" / "objects_room_train.tfrecords", *contents)
    return tmp_path / "rooms"


def images(seeds):
    return np.stack([room(seed=seed)[1] for seed in seeds])


def test_an_import_has_every_scene_in_order_and_is_done_once(rooms, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(published, "ROWS", 8)
    dataset = PublishedObjectsRoom(str(rooms))
    done = import_scenes(dataset, tmp_path / "out")
    assert str(done) == f"{tmp_path / 'out'}: 30 scenes"
    assert "30/30" not in capsys.readouterr().out, "what is counted is bytes, as nobody knows how many scenes there are"
    stored = Stored(tmp_path / "out")
    assert (stored.examples, stored.about) == (30, dataset.about())
    view = stored.read(np.arange(30), ("image", "mask"))
    assert np.array_equal(view.image, images(range(30)))
    assert np.array_equal(view.mask, np.stack([room(seed=seed)[2] for seed in range(30)]))
    monkeypatch.setattr(PublishedObjectsRoom, "scenes", lambda self, path: pytest.fail("read again"))
    assert import_scenes(dataset, tmp_path / "out") == done


def test_an_import_goes_on_to_the_same_bytes(rooms, tmp_path, monkeypatch):
    monkeypatch.setattr(published, "ROWS", 8)
    dataset = PublishedObjectsRoom(str(rooms))
    whole = contents(import_scenes(dataset, tmp_path / "whole", progress=False).folder)
    write, written = published.write_shard, []

    def stops(path, view, layout):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(path, view, layout)

    monkeypatch.setattr(published, "write_shard", stops)
    with pytest.raises(KeyboardInterrupt):
        import_scenes(dataset, tmp_path / "out", progress=False)
    assert len(list((tmp_path / "out").glob("*.parquet"))) == 2
    monkeypatch.setattr(published, "write_shard", write)
    import_scenes(dataset, tmp_path / "out", progress=False)
    assert contents(tmp_path / "out") == whole


def test_large_pictures_make_shards_of_fewer_scenes(rooms, tmp_path, monkeypatch):
    monkeypatch.setattr(published, "HELD", 12 * 64 * 64 * 4)
    out = import_scenes(PublishedObjectsRoom(str(rooms)), tmp_path / "out", progress=False).folder
    assert [read_layout(path)[1] for path in sorted(out.glob("*.parquet"))] == [12, 12, 6]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_damaged_scenes_are_left_out_counted_and_named(rooms, tmp_path):
    path = rooms / "objects_room_train.tfrecords"
    raw = bytearray(gzip.decompress(path.read_bytes()))
    size = len(raw) // 30
    for at in (4 * size + 500, 9 * size, 20 * size + 9):
        raw[at] ^= 1
    path.write_bytes(gzip.compress(bytes(raw[:-100]), 1))
    done = import_scenes(PublishedObjectsRoom(str(rooms)), tmp_path / "out", progress=False)
    assert (done.scenes, done.damaged) == (26, 4)
    told = [
        ("record 4", "bytes are damaged"),
        ("record 9", "length"),
        ("record 20", "length"),
        ("record 29", "ends inside"),
    ]
    for fault, (record, words) in zip(done.faults, told, strict=True):
        assert fault.startswith(f"{path}, {record}: ")
        assert words in fault
    assert json.loads((tmp_path / "out" / "imported.json").read_text())["damaged"] == 4
    good = [seed for seed in range(30) if seed not in (4, 9, 20, 29)]
    assert np.array_equal(Stored(tmp_path / "out").read(np.arange(26)).image, images(good))


def test_a_foreign_file_among_the_files_is_one_fault(tmp_path):
    folder = tmp_path / "rooms"
    foreign.write(folder / "a.tfrecords", room(seed=1)[0])
    (folder / "b.tfrecords").write_bytes(b"no records here, but a letter to my aunt")
    foreign.write(folder / "c.tfrecords", room(seed=2)[0])
    done = import_scenes(PublishedObjectsRoom(str(folder)), tmp_path / "out", progress=False)
    assert (done.scenes, done.damaged) == (2, 1)
    assert "b.tfrecords is no TFRecord file" in done.faults[0]


def test_the_wrong_variant_is_refused_and_leaves_the_folder_free(rooms, tmp_path):
    wrong = PublishedObjectsRoom(str(rooms / "objects_room_train.tfrecords"), "six-objects")
    with pytest.raises(
        ShardsError, match=r"no scene of published-objects-room is good: .*record 0: 'mask' has 28,672 values"
    ):
        import_scenes(wrong, tmp_path / "out", progress=False)
    assert import_scenes(replace(wrong, variant="train"), tmp_path / "out", progress=False).scenes == 30


def test_another_set_is_not_read_to_its_end(rooms, tmp_path, monkeypatch):
    monkeypatch.setattr(published, "HOPELESS", 5)
    monkeypatch.setattr(published, "TOLD", 2)
    seen, everything = [], published.everything
    watched = lambda *given: (seen.append(one) or one for one in everything(*given))  # noqa: E731
    monkeypatch.setattr(published, "everything", watched)
    with pytest.raises(ShardsError, match=r"no scene of clevr is good: .*record 0: 'image' has 12,288 values"):
        import_scenes(Clevr(str(rooms)), tmp_path / "out", progress=False)
    assert len(seen) == 6


@pytest.mark.parametrize("dataset", [PublishedObjectsRoom(), Clevr(), MultiDSprites(), SceneNet()], ids=lambda d: d.name)
def test_what_was_not_downloaded_says_where_to_get_it(tmp_path, dataset):
    assert isinstance(dataset, Published)
    for folder, words in (("", "no folder is named"), (str(tmp_path), "holds none of its files")):
        with pytest.raises(
            ValueError, match=f"{dataset.name} is downloaded by hand, from https://.*{words}.*objrep-gym import"
        ):
            import_scenes(replace(dataset, folder=folder), tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_an_unknown_variant_names_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="'attic' is none of train, six-objects, empty-room, identical-color"):
        import_scenes(PublishedObjectsRoom(str(tmp_path), "attic"), tmp_path / "out", progress=False)


@pytest.mark.parametrize("dataset", [Clevr(size=0), SceneNet(size=-1)], ids=lambda d: d.name)
def test_pictures_without_pixels_are_refused(scenenet, tmp_path, dataset):
    foreign.write(scenenet / "clevr_with_masks_train.tfrecords", b"")
    with pytest.raises(ValueError, match=r"size is (0|-1): a picture has at least 1 pixel"):
        import_scenes(replace(dataset, folder=str(scenenet)), tmp_path / "out", progress=False)


def test_a_folder_of_something_else_is_left_alone(rooms, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(ShardsError, match=r"thesis\.txt"):
        import_scenes(PublishedObjectsRoom(str(rooms)), tmp_path / "out", progress=False)
    assert contents(tmp_path / "out") == {"thesis.txt": b"mine"}


def test_a_line_names_a_downloaded_set_whose_splits_share_no_scene(rooms):
    text = f"published-objects-room:folder={rooms}"
    sources = {split: open_source(text, split=split) for split in ("train", "validation", "test")}
    assert {split: source.examples for split, source in sources.items()} == {"train": 24, "validation": 3, "test": 3}
    parts = [source.read(np.arange(source.examples), ("image",)).image for source in sources.values()]
    assert np.array_equal(np.concatenate(parts), images(range(30)))
    with pytest.raises(IndexError, match="scenes 3 to 3 asked of 3"):
        sources["test"].read(np.array([3]), ("image",))
    with pytest.raises(ValueError, match="'dev' is none of train, validation, test"):
        open_source(text, split="dev")


def test_too_few_scenes_have_no_test_split(tmp_path):
    foreign.write(tmp_path / "a.tfrecords", room()[0])
    assert open_source(f"published-objects-room:folder={tmp_path}").examples == 1
    with pytest.raises(ValueError, match=r"has 1 scenes in .*, too few for a test split"):
        open_source(f"published-objects-room:folder={tmp_path}", split="test")


def test_a_test_set_is_all_test(tmp_path):
    foreign.write(tmp_path / "objects_room_test_empty_room.tfrecords", room(4)[0])
    text = f"published-objects-room:folder={tmp_path},variant=empty-room"
    assert [open_source(text, split=split).examples for split in ("train", "test")] == [1, 1]


def test_a_downloaded_set_is_trained_and_judged_on_by_its_name(rooms, tmp_path, capsys):
    """The commands as people give them; ids are judged, and no scene of the test is trained on."""
    from objrep_gym.cli import main

    data = f"published-objects-room:folder={rooms}"
    words = ["train", "monet-lite", "--data", data, "--model.widths", "4", "4", "4", "4", "--steps", "1", "--batch", "2"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    assert main(["evaluate", "colour", "--data", data, "--count", "3", "--json"]) == 0
    first, *_ = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["data"], first["split"], first["count"]) == ("published-objects-room", "test", 3)
    assert 0 <= first["ari_fg"] <= 1


def test_an_import_is_a_command(rooms, tmp_path, capsys):
    from objrep_gym.cli import main

    words = ["import", "published-objects-room", "--folder", str(rooms), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{tmp_path / 'out'}: 30 scenes"
    assert main([*words[:2], "--out", str(tmp_path / "none")]) == 2
    assert "no folder is named" in capsys.readouterr().err


@pytest.fixture
def scenenet(tmp_path):
    """Two trajectories with frames 0, 25 and 100, as SceneNet RGB-D is unpacked."""
    for place in ("train/0/9", "train/0/10"):
        for kind in ("photo", "instance", "depth"):
            (tmp_path / place / kind).mkdir(parents=True)
        for frame in (0, 25, 100):
            shade = len(place) * 10 + frame // 5
            Image.fromarray(np.full((240, 320, 3), shade, np.uint8)).save(tmp_path / place / "photo" / f"{frame}.jpg")
            numbers = np.zeros((240, 320), np.uint16)
            numbers[:, :70], numbers[100:150, 100:200], numbers[120:130, 120:150] = 7, 4000, 300
            Image.fromarray(numbers).save(tmp_path / place / "instance" / f"{frame}.png")
    return tmp_path


def frames(dataset: SceneNet):
    return [seen for path in dataset.files() for seen in dataset.scenes(path)]


def test_scenenet_is_read_in_the_order_of_its_numbers(scenenet):
    dataset = SceneNet(str(scenenet))
    found = [seen.found for seen in frames(dataset)]
    assert [int(image.mean()) for image, _, _ in found] == [90, 95, 110, 100, 105, 120]
    for image, mask, factors in found:
        assert (image.shape, mask.shape, factors.shape) == ((192, 192, 3), (192, 192), (256, 0))
        assert mask.dtype == np.uint8
        counts = dict(zip(*np.unique(mask, return_counts=True), strict=True))
        assert counts == {0: 192 * 192 - 192 * 6 - 50 * 100, 1: 192 * 6, 2: 300, 3: 50 * 100 - 300}, (
            "in order of their numbers"
        )
    assert dataset.about().background == 1


def test_scenenet_is_scaled_and_imported(scenenet, tmp_path):
    done = import_scenes(SceneNet(str(scenenet), size=64), tmp_path / "out", progress=False)
    assert (done.scenes, done.damaged) == (6, 0)
    view = Stored(tmp_path / "out").read(np.arange(6), ("image", "mask"))
    assert view.mask.shape == (6, 64, 64)
    assert np.unique(view.mask).tolist() == [0, 1, 2, 3]


def test_a_frame_without_background_has_no_id_0(scenenet):
    path = scenenet / "train/0/9/instance/0.png"
    Image.fromarray(np.full((240, 320), 5, np.uint16)).save(path)
    assert np.unique(frames(SceneNet(str(scenenet)))[0].found[1]).tolist() == [1]


def test_damaged_frames_are_named_and_the_others_are_kept(scenenet, tmp_path):
    here = scenenet / "train/0/9"
    (here / "instance/0.png").unlink()
    (here / "photo/25.jpg").write_bytes((here / "photo/25.jpg").read_bytes()[:300])
    Image.fromarray(np.zeros((240, 300), np.uint16)).save(here / "instance/100.png")
    there = scenenet / "train/0/10"
    (there / "photo/0.jpg").write_bytes(b"no picture")
    many = np.arange(240 * 320).reshape(240, 320) // 100
    Image.fromarray(many.astype(np.uint16)).save(there / "instance/25.png")
    done = import_scenes(SceneNet(str(scenenet)), tmp_path / "out", progress=False)
    assert (done.scenes, done.damaged) == (1, 5)
    told = ("No such file", "Truncated", "is 240×300, frames are 240×320", "cannot identify", "instances, at most 255")
    for fault, words in zip(done.faults, told, strict=True):
        assert words in fault
