"""Records: what others wrote is read, what is damaged is told by its number, and what is good is kept."""

import gzip
import io
import random

import numpy as np
import pytest

from objrep_gym.data.examples import ExampleError, decoded, encoded
from objrep_gym.data.records import LARGEST, RecordsError, crc32c, framed, read_records
from tests.data import foreign

CONTENTS = [bytes([n]) * 50 for n in range(5)]
FRAMED = [foreign.record(content) for content in CONTENTS]
SIZE = len(FRAMED[0])


@pytest.mark.parametrize(
    ("content", "checksum"),
    [
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"", 0),
    ],
)
def test_the_checksum_is_that_of_rfc_3720(content, checksum):
    assert crc32c(content) == checksum


def test_the_checksum_of_every_length_is_that_of_the_definition():
    content = random.Random(0).randbytes(100)
    assert [crc32c(content[:n]) for n in range(100)] == [foreign.crc(content[:n]) for n in range(100)]


def test_records_are_framed_as_others_frame_them():
    assert [framed(content) for content in CONTENTS] == FRAMED


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda raw: gzip.compress(raw[:130]) + gzip.compress(raw[130:])])
def test_gzipped_or_not_in_one_member_or_several(tmp_path, pack):
    (tmp_path / "a").write_bytes(pack(b"".join(FRAMED)))
    assert [record.content for record in read_records(tmp_path / "a")] == CONTENTS


def read(path, raw, pack=gzip.compress):
    """What a file of these bytes gives: contents, and the faults by number."""
    path.write_bytes(pack(raw))
    records = list(read_records(path))
    assert [record.number for record in records] == list(range(len(records)))
    return [record.content for record in records if record.content is not None], {
        record.number: record.fault for record in records if record.content is None
    }


def flipped(at: int) -> bytes:
    raw = bytearray(b"".join(FRAMED))
    raw[at] ^= 4
    return bytes(raw)


@pytest.mark.parametrize(
    ("at", "fault"),
    [
        (2 * SIZE, "its length is damaged"),
        (2 * SIZE + 5, "its length is damaged"),
        (2 * SIZE + 9, "its length is damaged"),
        (2 * SIZE + 12, "its bytes are damaged"),
        (3 * SIZE - 5, "its bytes are damaged"),
        (3 * SIZE - 1, "its bytes are damaged"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_one_flipped_bit_costs_one_record(tmp_path, at, fault, pack):
    """In the length, its checksum, the content or its checksum: those before and after are good."""
    good, bad = read(tmp_path / "a", flipped(at), pack)
    assert good == [content for n, content in enumerate(CONTENTS) if n != 2]
    assert list(bad) == [2]
    assert bad[2].startswith(fault)


def test_a_bit_in_the_last_length_or_in_one_unlike_all_others_ends_the_file_there(tmp_path):
    raw = b"".join([*FRAMED[:2], foreign.record(b"another size"), FRAMED[2]])
    damaged = raw[: 2 * SIZE] + bytes([raw[2 * SIZE] ^ 4]) + raw[2 * SIZE + 1 :]
    good, bad = read(tmp_path / "a", damaged)
    assert good == CONTENTS[:2]
    assert "what follows it cannot be found" in bad[2]
    assert read(tmp_path / "a", raw) == ([*CONTENTS[:2], b"another size", CONTENTS[2]], {})


@pytest.mark.parametrize("keep", [3 * SIZE + 1, 3 * SIZE + 11, 3 * SIZE + 12, 4 * SIZE - 1])
def test_a_file_that_ends_inside_a_record_gives_those_before(tmp_path, keep):
    good, bad = read(tmp_path / "a", b"".join(FRAMED)[:keep])
    assert good == CONTENTS[:3]
    assert list(bad) == [3]
    assert "ends inside it" in bad[3]


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_truncated_gzip_stream_gives_all_that_came_before(tmp_path, share):
    contents = [random.Random(n).randbytes(300) for n in range(50)]
    packed = gzip.compress(b"".join(map(foreign.record, contents)))
    path = tmp_path / "a"
    path.write_bytes(packed[: int(len(packed) * share)])
    *before, last = read_records(path)
    assert [record.content for record in before] == contents[: len(before)]
    assert len(before) >= int(50 * share) - 1
    assert "compressed stream is damaged" in last.fault


def test_a_flipped_bit_in_a_gzip_stream_loses_nothing_before_it(tmp_path):
    noise = random.Random(1)
    contents = [bytes(noise.choices(b"abcdefgh", k=300)) for _ in range(200)]
    packed = bytearray(gzip.compress(b"".join(map(foreign.record, contents))))
    packed[len(packed) // 2] ^= 16
    (tmp_path / "a").write_bytes(packed)
    records = list(read_records(tmp_path / "a"))
    good = [record.number for record in records if record.content is not None]
    assert all(records[n].content == contents[n] for n in good)
    assert len(good) > 80
    assert len(good) < 200


def test_a_stream_whose_end_is_damaged_is_told_though_every_record_is_good(tmp_path):
    packed = bytearray(gzip.compress(b"".join(FRAMED)))
    packed[-6] ^= 1
    (tmp_path / "a").write_bytes(packed)
    *good, last = read_records(tmp_path / "a")
    assert [record.content for record in good] == CONTENTS
    assert (last.number, last.content) == (5, None)


# Named, or pytest would write the bytes, and the second of packing in them, into names that all workers must share.
THEIRS = {"text": b"not records", "zip": b"PK\x03\x04" * 100, "gzip": gzip.compress(b"hello" * 100), "zeros": bytes(5000)}


@pytest.mark.parametrize("content", THEIRS.values(), ids=THEIRS)
def test_a_foreign_file_is_named(tmp_path, content):
    (tmp_path / "theirs").write_bytes(content)
    with pytest.raises(RecordsError, match="theirs is no TFRecord file"):
        list(read_records(tmp_path / "theirs"))


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")], ids=["plain", "gzip"])
def test_an_empty_file_is_named(tmp_path, content):
    (tmp_path / "nothing").write_bytes(content)
    with pytest.raises(RecordsError, match="nothing is empty"):
        list(read_records(tmp_path / "nothing"))


@pytest.mark.parametrize("pack", [bytes, lambda raw: gzip.compress(raw, 1)])
def test_no_damage_makes_up_a_record_or_another_error(tmp_path, pack):
    """Bits flipped, bytes lost and bytes added at random places: what is read is what was written, or told."""
    noise, path = random.Random(3), tmp_path / "a"
    contents = [noise.randbytes(noise.choice((40, 40, 40, 70))) for _ in range(12)]
    whole = pack(b"".join(map(foreign.record, contents)))
    for _ in range(150):
        raw, at = bytearray(whole), noise.randrange(len(whole))
        damage = noise.choice(("flip", "lose", "add"))
        if damage == "flip":
            raw[at] ^= 1 << noise.randrange(8)
        raw[at:at] = noise.randbytes(3) if damage == "add" else b""
        del raw[at : at + (damage == "lose")]
        path.write_bytes(raw)
        try:
            records = list(read_records(path))
        except RecordsError:
            continue
        good = [record.content for record in records if record.content is not None]
        rest = iter(contents)
        assert all(content in rest for content in good), "those that were written, in their order"
        assert len(good) == len(contents) or any(record.fault for record in records)


def test_a_length_beyond_reason_is_not_believed(tmp_path):
    head = (LARGEST + 1).to_bytes(8, "little")
    raw = FRAMED[0] + head + foreign.masked(head).to_bytes(4, "little") + bytes(100)
    good, bad = read(tmp_path / "a", raw)
    assert (good, list(bad)) == (CONTENTS[:1], [1])


def test_examples_are_those_of_protobuf():
    """Byte for byte what protobuf's own library writes, in the published form of one byte to a string."""
    image, x = np.arange(300).astype(np.uint8), np.array([0.5, -1, np.nan], np.float32)
    assert encoded({"image": image, "x": x}) == foreign.example(image=image, x=x)


@pytest.mark.parametrize("single", [True, False])
def test_an_example_of_others_is_read(single):
    image, x, n = np.arange(300).astype(np.uint8), np.array([0.5, -2], np.float32), np.array([3, -4, 2**40])
    found = decoded(foreign.example(single, image=image, x=x, n=n))
    assert {name: values.dtype for name, values in found.items()} == {"image": np.uint8, "x": np.float32, "n": np.int64}
    assert all(np.array_equal(found[name], value) for name, value in {"image": image, "x": x, "n": n}.items())


def test_bytes_that_are_no_example_are_refused():
    whole = foreign.example(image=np.arange(40).astype(np.uint8), x=np.ones(3, np.float32))
    for cut in range(len(whole)):
        with pytest.raises(ExampleError):
            decoded(whole[:cut])
    noise = random.Random(2)
    for _ in range(150):
        try:
            decoded(noise.randbytes(noise.randrange(40)))
        except ExampleError:
            continue


def test_other_types_are_not_written():
    with pytest.raises(TypeError, match="float64"):
        encoded({"x": np.ones(3)})


def test_a_file_of_the_tfrecord_package_is_read(tmp_path):
    (tmp_path / "a").write_bytes(foreign.BY_TFRECORD)
    found = [decoded(record.content) for record in read_records(tmp_path / "a")]
    assert [features["image"][-3] for features in found] == [10, 20, 30]
    assert [features["mask"].size for features in found] == [7 * 64 * 64] * 3
    raw = gzip.GzipFile(fileobj=io.BytesIO(foreign.BY_TFRECORD)).read()
    assert b"".join(framed(record.content) for record in read_records(tmp_path / "a")) == raw
