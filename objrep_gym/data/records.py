"""TFRecord files without TensorFlow: a record is its length, a checksum of that, its bytes, and a checksum of those.

Checksums are CRC-32C (Castagnoli), "masked": rotated by fifteen bits, plus a constant. A damaged record is told with file
and number, and reading goes on after it wherever the place of the next one is still certain.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO, no_type_check

import numpy as np

POLYNOMIAL, DELTA = 0x82F63B78, 0xA282EAD8
HEAD, TAIL = struct.Struct("<QI"), struct.Struct("<I")
LARGEST = 2**26  # bytes: CLEVR's records, the largest that are published, have 3.3 million
PIECE = 2**20  # bytes read at once
STEP = 2**16  # bytes inflated at once
GZIP, GZIPPED = 31, b"\x1f\x8b"
FOREIGN = "its first bytes"


class RecordsError(ValueError):
    """A file that holds no such records, or a record that is damaged; names the file and the record."""


@dataclass(frozen=True)
class Record:
    """A record's number in its file, from 0, and its bytes; or, of a damaged one, None and what is wrong with it. `place`
    is how many bytes of the file were read when it was found."""

    number: int
    content: bytes | None
    fault: str = ""
    place: int = 0


def masked_crc(content: bytes) -> int:
    """The checksum that TFRecord files keep of some bytes."""
    crc = crc32c(content)
    return (((crc >> 15) | (crc << 17)) + DELTA) & 0xFFFFFFFF


def crc32c(content: bytes) -> int:
    """CRC-32C of bytes; the common libraries of Python have only the other CRC-32."""
    return int(compiled()(np.frombuffer(content, np.uint8), tables()))


@cache
def tables() -> np.ndarray:
    """uint32 (8, 256): what a byte does to the checksum when 0 to 7 bytes follow it."""
    found = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        found = (found >> 1) ^ np.where(found & 1, np.uint32(POLYNOMIAL), np.uint32(0))
    rows = [found]
    for _ in range(7):
        rows.append(found[rows[-1] & 0xFF] ^ (rows[-1] >> 8))
    return np.stack(rows)


@cache
def compiled() -> Callable[[np.ndarray, np.ndarray], np.uint32]:
    """The loop over the bytes, eight at a time; compiled once for each process that needs it."""
    import numba

    return numba.njit(cache=True, nogil=True)(checksum)


@no_type_check  # or the tests' type checker would wrap what numba must compile
def checksum(content: np.ndarray, table: np.ndarray) -> np.uint32:
    """CRC-32C of uint8 (N,)."""
    crc, whole = np.uint32(0xFFFFFFFF), len(content) // 8 * 8
    for i in range(0, whole, 8):
        crc ^= (
            np.uint32(content[i])
            | np.uint32(content[i + 1]) << np.uint32(8)
            | np.uint32(content[i + 2]) << np.uint32(16)
            | np.uint32(content[i + 3]) << np.uint32(24)
        )
        crc = (
            table[7, crc & np.uint32(255)]
            ^ table[6, (crc >> np.uint32(8)) & np.uint32(255)]
            ^ table[5, (crc >> np.uint32(16)) & np.uint32(255)]
            ^ table[4, crc >> np.uint32(24)]
            ^ table[3, content[i + 4]]
            ^ table[2, content[i + 5]]
            ^ table[1, content[i + 6]]
            ^ table[0, content[i + 7]]
        )
    for i in range(whole, len(content)):
        crc = table[0, (crc ^ content[i]) & np.uint32(255)] ^ (crc >> np.uint32(8))
    return crc ^ np.uint32(0xFFFFFFFF)


def framed(content: bytes) -> bytes:
    """A record as it stands in a file."""
    length = struct.pack("<Q", len(content))
    return b"".join((length, TAIL.pack(masked_crc(length)), content, TAIL.pack(masked_crc(content))))


def read_records(path: Path) -> Iterator[Record]:
    """The records of a file, gzipped or not, in order, damaged ones in their places. Raises RecordsError on a file that
    begins with no record, or is empty."""
    with path.open("rb") as raw:
        gzipped = raw.read(2) == GZIPPED
        raw.seek(0)
        found = Records(inflated(raw) if gzipped else iter(lambda: raw.read(PIECE), b""))
        if not found.peek(1) and not found.fault:
            raise RecordsError(f"{path} is empty")
        for record in found.records():
            if record.fault.startswith(FOREIGN):
                raise RecordsError(f"{path} is no TFRecord file: {record.fault}")
            yield replace(record, place=raw.tell())


def inflated(raw: BinaryIO) -> Iterator[bytes]:
    """What a gzipped stream holds, to the last byte before damage. Raises zlib.error there, EOFError where it is cut
    off."""
    machine = zlib.decompressobj(GZIP)
    while piece := raw.read(PIECE):
        while piece:
            before = machine.copy()
            try:
                out = machine.decompress(piece, STEP)
            except zlib.error:
                yield from salvaged(before, piece)
                raise
            yield out
            piece = machine.unconsumed_tail
            if machine.eof:  # another member may follow
                piece = machine.unused_data
                machine = zlib.decompressobj(GZIP) if piece.startswith(GZIPPED) else machine
                piece = b"" if machine.eof else piece
    if not machine.eof:
        raise EOFError("it is cut off")


def salvaged(machine: "zlib._Decompress", piece: bytes) -> Iterator[bytes]:
    """What comes out before the damage, from one byte after the other."""
    with suppress(zlib.error):
        for at in range(len(piece)):
            yield machine.decompress(piece[at : at + 1])


class Records:
    """Finds record after record in the pieces of a stream."""

    def __init__(self, pieces: Iterator[bytes]):
        self.pieces, self.ahead, self.fault, self.number, self.length = pieces, bytearray(), "", 0, 0

    def records(self) -> Iterator[Record]:
        """All records to the end of the stream, or to where the place of the next one is lost."""
        while self.peek(HEAD.size) or self.fault:
            if len(self.ahead) < HEAD.size:
                short = f"{FOREIGN} are too few" if self.number == 0 else "the file ends inside its length"
                yield self.lost(self.fault or short)
                return
            record, whole = self.record()
            yield record
            if not whole:
                return
            self.number += 1

    def record(self) -> tuple[Record, bool]:
        """The next record, and whether another may be looked for after it."""
        length, crc = HEAD.unpack_from(self.ahead)
        if masked_crc(bytes(self.ahead[:8])) != crc or length > LARGEST:
            return self.without_length(length)
        ends = HEAD.size + length + TAIL.size
        if len(self.peek(ends)) < ends:
            told = f"the file ends inside it, after {len(self.ahead)} of {ends} bytes"
            return self.lost(self.fault or told), False
        content, crc = self.take(length)
        self.length = length
        if masked_crc(content) != crc:
            return Record(self.number, None, "its bytes are damaged (their checksum differs)"), True
        return Record(self.number, content), True

    def without_length(self, length: int) -> tuple[Record, bool]:
        """A record whose length is damaged: it ends where a checksum of its bytes stands, if it is as long as it says after
        all, or as the one before it."""
        for guess in (length, self.length):
            ends = HEAD.size + guess + TAIL.size
            if not 0 < guess <= LARGEST or len(self.peek(ends)) < ends:
                continue
            (crc,) = TAIL.unpack_from(self.ahead, HEAD.size + guess)
            if masked_crc(bytes(self.ahead[HEAD.size : HEAD.size + guess])) == crc:
                self.take(guess)
                return Record(self.number, None, "its length is damaged (the checksum differs)"), True
        told = "its length is damaged (the checksum differs), and what follows it cannot be found"
        return self.lost(f"{FOREIGN} are not those of a record" if self.number == 0 else told), False

    def lost(self, fault: str) -> Record:
        return Record(self.number, None, fault)

    def take(self, length: int) -> tuple[bytes, int]:
        """The content of a record that lies ahead, and its checksum."""
        content = bytes(memoryview(self.ahead)[HEAD.size : HEAD.size + length])
        (crc,) = TAIL.unpack_from(self.ahead, HEAD.size + length)
        del self.ahead[: HEAD.size + length + TAIL.size]
        return content, crc

    def peek(self, count: int) -> bytearray:
        """What lies ahead, at least `count` bytes of it if there are so many. A damaged stream ends where it is damaged."""
        while len(self.ahead) < count and not self.fault:
            try:
                piece = next(self.pieces, None)
            except (EOFError, zlib.error) as error:
                self.fault = f"the compressed stream is damaged ({error})"
                break
            if piece is None:
                break
            self.ahead += piece
        return self.ahead
