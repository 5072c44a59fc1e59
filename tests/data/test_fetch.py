"""Fetched files: checked, kept once, resumed, and nothing kept that is not what was promised."""

import hashlib
import io
import threading

import pytest

from objrep_gym.data import fetch as module
from objrep_gym.data.fetch import FetchError, cache, fetch
from tests.data.serving import Server, serving

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(module, "WAIT", 0.0)
    monkeypatch.setattr(module, "PIECE", 10_000)


@pytest.fixture
def server():
    with serving({"/there": CONTENT}) as running:
        yield running


@pytest.fixture
def url(tmp_path):
    (tmp_path / "there").write_bytes(CONTENT)
    return (tmp_path / "there").as_uri()


def left(folder) -> list[str]:
    """What lies in a folder but locks."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_is_fetched_once(url, tmp_path, capsys):
    path = fetch(url, SHA256, tmp_path / "a" / "b")
    assert path.read_bytes() == CONTENT
    assert "MB/s" in capsys.readouterr().out
    (tmp_path / "there").unlink()
    assert fetch(url, SHA256, path) == path
    assert left(tmp_path / "a") == ["b"]


def test_a_server_is_asked_once_and_told_who_asks(server: Server, tmp_path):
    for _ in range(2):
        assert fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False).read_bytes() == CONTENT
    (asked,) = server.asked
    assert asked["User-Agent"].startswith("objrep_gym/")
    assert "Range" not in asked


@pytest.mark.parametrize("ranges", [True, False])
def test_what_breaks_off_goes_on_or_begins_anew(server: Server, ranges, tmp_path):
    server.ranges, server.breaks = ranges, [70_000, 30_000]
    assert fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False).read_bytes() == CONTENT
    asked = [headers.get("Range") for headers in server.asked]
    assert asked == [None, "bytes=70000-", "bytes=100000-" if ranges else "bytes=30000-"]


def test_the_next_call_goes_on_where_one_gave_up(server: Server, tmp_path):
    server.breaks = [100_000, *[0] * 20]
    with pytest.raises(FetchError, match=r"/there broke off.*5 times.*the same call goes on"):
        fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False)
    assert left(tmp_path) == ["a.part"]
    server.breaks, server.asked = [], []
    assert fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False).read_bytes() == CONTENT
    assert [headers.get("Range") for headers in server.asked] == ["bytes=100000-"]


def test_a_kill_between_the_last_byte_and_the_name_costs_nothing(server: Server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT)
    fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False)
    assert (server.asked, left(tmp_path)) == ([], ["a"])


@pytest.mark.parametrize("part", [CONTENT[:999][::-1], CONTENT + b"more"])
def test_a_part_of_another_file_is_thrown_away(server: Server, part, tmp_path):
    (tmp_path / "a.part").write_bytes(part)
    assert fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False).read_bytes() == CONTENT
    assert server.asked[-1].get("Range") is None


@pytest.mark.parametrize("lie", [-1000, 1000, 2**40])
def test_a_length_that_is_a_lie_keeps_nothing(server: Server, lie, tmp_path):
    server.lie = lie
    with pytest.raises(FetchError, match=r"other bytes than promised|broke off|more than 8,589,934,592"):
        fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False)
    assert not (tmp_path / "a").exists()


def test_a_busy_server_is_asked_again_and_one_that_has_it_not_is_not(server: Server, tmp_path):
    server.busy = 2
    assert fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False).read_bytes() == CONTENT
    server.asked = []
    with pytest.raises(FetchError, match="/gone answers 404"):
        fetch(server.url("/gone"), SHA256, tmp_path / "b", progress=False)
    assert len(server.asked) == 1


def test_altered_bytes_are_not_kept(server: Server, tmp_path):
    server.files["/there"] = CONTENT[:-1] + b"?"
    with pytest.raises(FetchError, match=f"other bytes than promised: sha256 .* instead of {SHA256}"):
        fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False)
    assert left(tmp_path) == []


def test_two_that_want_the_same_file_fetch_it_once(server: Server, tmp_path):
    threads = [threading.Thread(target=fetch, args=(server.url("/there"), SHA256, tmp_path / "a", False)) for _ in range(4)]
    for step in (threading.Thread.start, threading.Thread.join):
        for thread in threads:
            step(thread)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert len(server.asked) == 1


def test_another_version_gives_way_to_what_was_promised(server: Server, tmp_path):
    (tmp_path / "a").write_bytes(b"an older one")
    assert fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False).read_bytes() == CONTENT


def test_no_bytes_at_all_are_refused_by_name(server: Server, tmp_path):
    """A server may answer 416 to a request that asked for no range."""
    server.files["/there"] = b""
    with pytest.raises(FetchError, match="/there answers 416"):
        fetch(server.url("/there"), SHA256, tmp_path / "a", progress=False)
    assert len(server.asked) == 1


def test_nobody_there_says_so(tmp_path):
    with serving({}) as gone:
        url = gone.url("/there")
    with pytest.raises(FetchError, match=r"/there gives nothing: .*refused"):
        fetch(url, SHA256, tmp_path / "a", progress=False)


@pytest.mark.parametrize("to", ["http://example.org/there", "ftp://example.org/there"])
def test_a_way_to_a_less_safe_place_is_not_followed(tmp_path, monkeypatch, to):
    monkeypatch.setattr(module.urllib.request, "urlopen", lambda request, timeout: Led(to))
    with pytest.raises(FetchError, match=f"leads to {to}, which is less safe"):
        fetch("https://example.org/there", SHA256, tmp_path / "a", progress=False)


def test_a_way_to_a_safer_place_is_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(module.urllib.request, "urlopen", lambda request, timeout: Led("https://example.org/there"))
    assert fetch("http://example.org/there", SHA256, tmp_path / "a", progress=False).read_bytes() == CONTENT


class Led(io.BytesIO):
    """An answer that came from elsewhere."""

    def __init__(self, url: str):
        super().__init__(CONTENT)
        self.url, self.status, self.headers = url, 200, {}


@pytest.mark.parametrize("bad", ["ftp://example.org/x", "/etc/passwd"])
def test_other_kinds_of_address_are_refused(bad, tmp_path):
    with pytest.raises(FetchError, match="begins with none of https://"):
        fetch(bad, SHA256, tmp_path / "a")


def test_bytes_that_nothing_is_known_of_come_encrypted_or_not_at_all(server: Server, url, tmp_path):
    assert fetch(url, None, tmp_path / "a").read_bytes() == CONTENT
    with pytest.raises(FetchError, match="is not encrypted, and no sha256 is known"):
        fetch(server.url("/there"), None, tmp_path / "b")


def test_nothing_there_is_an_oserror(tmp_path):
    with pytest.raises(OSError, match="gone"):
        fetch((tmp_path / "gone").as_uri(), SHA256, tmp_path / "a")


def test_the_cache_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("OBJREP_GYM_CACHE", str(tmp_path))
    assert cache() == tmp_path
