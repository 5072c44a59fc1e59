"""Pictures, folders, datasets and shards become slots in a file."""

import numpy as np
import pytest
from PIL import Image

from objrep_gym.data.generate import Recipe, generate
from objrep_gym.data.sprites import SpriteScenes
from objrep_gym.experiments.encode import Encoding, encode, picture


@pytest.fixture
def photos(tmp_path):
    """Three pictures in a folder."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(("a.png", "b.jpg", "c.png")):
        Image.fromarray(np.full((40, 48, 3), 60 * number, np.uint8)).save(folder / name)
    return folder


@pytest.fixture
def shards(tmp_path):
    """Five scenes on disk."""
    return generate(Recipe(SpriteScenes(size=32), count=5), tmp_path / "shards", workers=1, progress=False).folder


def encoded(*images, out):
    return np.load(encode(Encoding("colour", tuple(map(str, images))), out))


def test_pictures_are_encoded_by_name(photos, tmp_path):
    found = encoded(photos / "a.png", photos / "c.png", out=tmp_path / "slots.npz")
    assert found["names"].tolist() == [str(photos / "a.png"), str(photos / "c.png")]
    assert found["latents"].shape == (2, 7, 8)
    assert encoded(photos, out=tmp_path / "all.npz")["names"].tolist() == sorted(map(str, photos.iterdir()))


def test_pictures_are_encoded_even_where_one_stands_among_shards(photos, shards, tmp_path, monkeypatch):
    monkeypatch.chdir(shards)
    found = encoded(photos / "a.png", photos / "b.jpg", out=tmp_path / "slots.npz")
    assert found["names"].tolist() == [str(photos / "a.png"), str(photos / "b.jpg")]


def test_shards_are_encoded_by_themselves(photos, shards, tmp_path):
    assert encoded(shards, out=tmp_path / "slots.npz")["names"].tolist() == ["0", "1", "2", "3", "4"]
    for beside in ((shards, photos), (photos / "a.png", shards), ("sprites", photos)):
        with pytest.raises(ValueError, match="name nothing beside it"):
            encoded(*beside, out=tmp_path / "both.npz")
    assert not (tmp_path / "both.npz").exists()


def test_a_name_with_a_dot_is_kept(photos, tmp_path):
    for name in ("slots.seed0", "slots.seed1", "slots.npz", "slots"):
        encoded(photos, out=tmp_path / name)
    assert {path.name for path in tmp_path.glob("slots*")} == {"slots.seed0.npz", "slots.seed1.npz", "slots.npz"}


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path):
    deep = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1040
    Image.fromarray(deep).save(tmp_path / "deep.png")
    found = picture(tmp_path / "deep.png")
    np.testing.assert_allclose(found[..., 0], deep / 257, atol=0.51)
    assert (found == found[..., :1]).all()


def test_what_is_no_picture_is_told(tmp_path):
    (tmp_path / "a.png").write_text("nothing")
    with pytest.raises(ValueError, match="no picture that can be read"):
        encoded(tmp_path / "a.png", out=tmp_path / "slots.npz")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        encoded(tmp_path / "b.png", out=tmp_path / "slots.npz")
