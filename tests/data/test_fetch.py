"""Fetched files: checked, kept once, and nothing kept that is not what was promised."""

import hashlib

import pytest

from objrep_gym.data.fetch import FetchError, cache, fetch

CONTENT = b"slots" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def url(tmp_path):
    (tmp_path / "there").write_bytes(CONTENT)
    return (tmp_path / "there").as_uri()


def test_a_file_is_fetched_once(url, tmp_path, capsys):
    path = fetch(url, SHA256, tmp_path / "a" / "b")
    assert path.read_bytes() == CONTENT
    assert "MB/s" in capsys.readouterr().out
    (tmp_path / "there").unlink()
    assert fetch(url, SHA256, path) == path


def test_other_bytes_are_not_kept(url, tmp_path):
    with pytest.raises(FetchError, match="other bytes than promised"):
        fetch(url, "0" * 64, tmp_path / "a", progress=False)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("bad", ["http://example.org/x", "ftp://example.org/x", "/etc/passwd"])
def test_other_kinds_of_address_are_refused(bad, tmp_path):
    with pytest.raises(FetchError, match="neither https:// nor file://"):
        fetch(bad, SHA256, tmp_path / "a")


def test_nothing_there_is_an_oserror(tmp_path):
    with pytest.raises(OSError, match="gone"):
        fetch((tmp_path / "gone").as_uri(), SHA256, tmp_path / "a")


def test_the_cache_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("OBJREP_GYM_CACHE", str(tmp_path))
    assert cache() == tmp_path
