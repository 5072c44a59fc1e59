"""Files from elsewhere, fetched once: streamed, checked against a known sha256, and there whole or not at all."""

import hashlib
import os
import urllib.request
from pathlib import Path
from typing import BinaryIO

from objrep_gym.data import whole
from objrep_gym.data.watching import left, watching

CACHE = "OBJREP_GYM_CACHE"
PIECE = 2**20  # bytes read at once
LIMIT = 2**33  # bytes; no set of weights or published sample is larger


class FetchError(OSError):
    """An address that gives nothing, or something else than was promised."""


def cache() -> Path:
    """Where fetched files are kept: $OBJREP_GYM_CACHE, else ~/.cache/objrep_gym."""
    return Path(os.environ.get(CACHE) or Path.home() / ".cache" / "objrep_gym")


def fetch(url: str, sha256: str, path: Path, progress: bool = True) -> Path:
    """`path`, fetched from `url` (https or file) unless it is there. Raises FetchError if the bytes are not those of
    `sha256`; nothing of them is kept then."""
    if path.exists():
        return path
    if not url.startswith(("https://", "file://")):
        raise FetchError(f"{url} is neither https:// nor file://: it is not fetched")
    path.parent.mkdir(parents=True, exist_ok=True)
    return whole.write(path, lambda beside: stream(url, sha256, beside, progress))


def stream(url: str, sha256: str, path: Path, progress: bool) -> None:
    """Read `url` into `path`, piece by piece, and compare."""
    found = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, path.open("wb") as file:
            copy(answer, file, found, int(answer.headers.get("Content-Length") or 0), progress)
    except ValueError as error:
        raise FetchError(f"{url}: {error}") from error
    if found.hexdigest() != sha256:
        raise FetchError(f"{url} gave other bytes than promised: sha256 {found.hexdigest()} instead of {sha256}")


def copy(answer: BinaryIO, file: BinaryIO, found: "hashlib._Hash", total: int, progress: bool) -> None:
    """All of `answer` to `file` and to the hash; raises FetchError beyond `LIMIT`."""
    import time

    done, started = 0, time.monotonic()
    with watching("fetch", total, progress) as show:
        while piece := answer.read(PIECE):
            file.write(piece)
            found.update(piece)
            done += len(piece)
            rate = done / max(time.monotonic() - started, 1e-9)
            show(done, f"{rate / 1e6:.1f} MB/s  {left(max(0, total - done) / rate)}")
            if done > LIMIT:
                raise FetchError(f"more than {LIMIT:,} bytes came: stopped")
