"""Files from elsewhere, fetched once: streamed, resumed where they broke off, checked against a known sha256, and there
whole or not at all."""

import hashlib
import os
import re
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from objrep_gym import __version__
from objrep_gym.data import whole
from objrep_gym.data.watching import left, watching

CACHE = "OBJREP_GYM_CACHE"
SCHEMES = ("https://", "http://", "file://")
PIECE = 2**20  # bytes read at once
LIMIT = 2**33  # bytes; no set of weights or published sample is larger
TRIES = 5
WAIT = 1.0  # seconds before the second try; each further one waits twice as long
TIMEOUT = 60.0  # seconds without a byte
BUSY = (408, 425, 429, 500, 502, 503, 504)  # what a server says that may answer later


class FetchError(OSError):
    """An address that gives nothing, or something else than was promised."""


class BrokeOff(FetchError):
    """A connection that ended too early, or a server that is busy: another try may go on."""


def cache() -> Path:
    """Where fetched files are kept: $OBJREP_GYM_CACHE, else ~/.cache/objrep_gym."""
    return Path(os.environ.get(CACHE) or Path.home() / ".cache" / "objrep_gym")


def fetch(url: str, sha256: str | None, path: Path, progress: bool = True) -> Path:
    """`path`, fetched from `url` unless it is there, with the bytes of `sha256`. What breaks off is tried again and goes on
    where it was, in this call and in the next one; until then it lies in `path`.part.

    `sha256` may be None where nothing is known of the bytes; then only https: and file: are taken. Raises FetchError if
    they are not those of `sha256`; nothing of them is kept then. Processes that want the same file wait for each other.
    """
    from filelock import FileLock

    check(url, sha256)
    if there(path, sha256):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with FileLock(path.with_name(f".{path.name}.lock")):
        if not there(path, sha256):
            receive(url, sha256, part, progress)
            whole.sync(part)
            part.replace(path)
            whole.sync(path.parent)
    return path


def there(path: Path, sha256: str | None) -> bool:
    """Whether a file need not be fetched: what an earlier fetch left may be another version of it."""
    return path.exists() and sha256 in (None, digest(path))


def check(url: str, sha256: str | None) -> None:
    """Raises FetchError on an address of another kind, or on one that anybody on the way could answer for."""
    if not url.startswith(SCHEMES):
        raise FetchError(f"{url} begins with none of {', '.join(SCHEMES)}: it is not fetched")
    if sha256 is None and url.startswith("http://"):
        raise FetchError(f"{url} is not encrypted, and no sha256 is known that it must have: use https://, or give one")


def receive(url: str, sha256: str | None, part: Path, progress: bool) -> None:
    """All of `url` in `part`, with the bytes that were promised."""
    if sha256 is not None and there(part, sha256):
        return  # a kill came between the last byte and the renaming
    resumed = part.exists()
    persist(url, sha256, part, progress)
    if resumed and sha256 not in (None, digest(part)):  # it has changed since it was begun
        part.unlink()
        persist(url, sha256, part, progress)
    if sha256 not in (None, found := digest(part)):
        part.unlink()
        raise FetchError(f"{url} gave other bytes than promised: sha256 {found} instead of {sha256}")


def persist(url: str, sha256: str | None, part: Path, progress: bool) -> None:
    """Try until all of `url` is in `part`. Raises FetchError when it broke off TRIES times without a new byte."""
    if sha256 is None:
        part.unlink(missing_ok=True)  # two versions of a file would be joined, and nobody could tell
    tries, before = 1, -1
    while True:
        try:
            return stream(url, part, progress)
        except BrokeOff as error:
            after = part.stat().st_size if part.exists() else 0
            tries, before = (tries + 1 if after <= before else 1), max(after, before)
            if tries >= TRIES:
                raise FetchError(f"{error}, {TRIES} times. What came is kept: the same call goes on from there") from error
            time.sleep(WAIT * 2 ** (tries - 1))


def stream(url: str, part: Path, progress: bool) -> None:
    """Read `url` behind what is in `part` already, or from the beginning where the server cannot begin in the middle."""
    begin = part.stat().st_size if part.exists() else 0
    try:
        with urllib.request.urlopen(asked(url, begin), timeout=TIMEOUT) as answer:
            if urlsplit(answer.url).scheme not in ("https", urlsplit(url).scheme):
                raise FetchError(f"{url} leads to {answer.url}, which is less safe: it is not fetched")
            copy(answer, part, begin if goes_on(answer, begin) else 0, url, progress)
    except urllib.error.HTTPError as error:
        if beyond := error.code == 416 and begin > 0:  # its end: what lies here is of another file
            part.unlink()
        kind = BrokeOff if beyond or error.code in BUSY else FetchError
        raise kind(f"{url} answers {error.code} {error.reason}") from error
    except FetchError:
        raise
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise BrokeOff(f"{url} broke off ({type(error).__name__}: {error})") from error
    except urllib.error.URLError as error:
        kind = BrokeOff if isinstance(error.reason, TimeoutError | ConnectionError) else FetchError
        raise kind(f"{url} gives nothing: {error.reason}") from error
    except ValueError as error:
        raise FetchError(f"{url}: {error}") from error


def asked(url: str, begin: int) -> urllib.request.Request:
    """A request for all bytes from `begin` on."""
    ranged = {"Range": f"bytes={begin}-"} if begin else {}
    return urllib.request.Request(url, headers={"User-Agent": f"objrep_gym/{__version__}", **ranged})


def goes_on(answer: Any, begin: int) -> bool:
    """Whether the answer begins at byte `begin`, as it was asked to."""
    return answer.status == 206 and re.match(rf"bytes {begin}-", answer.headers.get("Content-Range") or "") is not None


def copy(answer: Any, part: Path, begin: int, url: str, progress: bool) -> None:
    """All of `answer` into `part`, from its byte `begin` on. Raises BrokeOff where fewer bytes came than it told."""
    told = answer.headers.get("Content-Length")
    total, done, started = begin + int(told or 0), begin, time.monotonic()
    if total > LIMIT:
        raise FetchError(f"{url} has {total:,} bytes, more than {LIMIT:,}: it is not fetched")
    with part.open("r+b" if begin else "wb") as file, watching(f"fetch {part.stem}", total, progress) as show:
        file.truncate(file.seek(begin))
        while piece := answer.read(PIECE):
            file.write(piece)
            done += len(piece)
            rate = (done - begin) / max(time.monotonic() - started, 1e-9)
            show(done, f"{rate / 1e6:.1f} MB/s  {left(max(0, total - done) / rate)}")
            if done > LIMIT:
                raise FetchError(f"{url}: more than {LIMIT:,} bytes came: stopped")
    if told is not None and done < total:
        raise BrokeOff(f"{url} broke off at byte {done:,} of {total:,}")


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
