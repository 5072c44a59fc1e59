"""A file is there whole or not at all."""

import errno

import pytest

from objrep_gym.data import whole


def test_content_of_every_kind_is_written(tmp_path):
    for content in (b"abc", "abc", lambda path: path.write_bytes(b"abc")):
        assert whole.write(tmp_path / "file", content).read_bytes() == b"abc"
        (tmp_path / "file").unlink()
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    whole.write(tmp_path / "file", "old")

    def half(path):
        path.write_text("ne")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        whole.write(tmp_path / "file", half)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]


def test_only_what_kills_left_is_swept(tmp_path):
    for name in ("file", "file.77.partial", "my.partial", ".partial"):
        (tmp_path / name).write_text("")
    whole.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".partial", "file", "my.partial"]
