"""The one protobuf message that TFRecord datasets are made of, `tf.train.Example`: named features, each a list of byte
strings, floats or whole numbers. Of protobuf no more is written and understood than that takes.

The published multi-object sets keep a picture as a list of byte strings of *one byte each*, three bytes for one; as such a
list has millions of entries, it is packed and unpacked with arrays.
"""

from collections.abc import Iterator, Mapping

import numpy as np

VARINT, DOUBLE, LENGTH, FLOAT = 0, 1, 2, 5  # how protobuf says that a value is laid out
BYTES, FLOATS, WHOLE = 1, 2, 3  # the kinds of a feature, by their field numbers
ENTRY = (1 << 3 | LENGTH, 1)  # before each byte of a list of single bytes
Features = dict[str, np.ndarray]
"""Features by name: uint8, the strings of a list of bytes one after the other; float32; int64. All (n,)."""


class ExampleError(ValueError):
    """Bytes that are no Example."""


def encoded(features: Mapping[str, np.ndarray]) -> bytes:
    """An Example, features by name: uint8 arrays as lists of single bytes, float32 as floats, in the order of the array.
    Raises TypeError on other types."""
    return field(
        1, b"".join(field(1, field(1, name.encode()) + field(2, feature(features[name]))) for name in sorted(features))
    )


def feature(values: np.ndarray) -> bytes:
    """A Feature message."""
    if values.dtype == np.uint8:
        entries = np.empty(3 * values.size, np.uint8)
        entries[0::3], entries[1::3], entries[2::3] = *ENTRY, values.ravel()
        return field(BYTES, entries.tobytes())
    if values.dtype == np.float32:
        return field(FLOATS, field(1, values.astype("<f4").tobytes()))
    raise TypeError(f"a feature of {values.dtype}: uint8 and float32 are written")


def field(number: int, content: bytes) -> bytes:
    """A field that holds a message or bytes."""
    return varint(number << 3 | LENGTH) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """A whole number, seven bits to a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decoded(content: bytes) -> Features:
    """The features of an Example. Raises ExampleError on bytes that are none."""
    found: Features = {}
    for features in messages(memoryview(content), 1):
        for entry in messages(features, 1):
            names, values = list(messages(entry, 1)), list(messages(entry, 2))
            if not names or not values:
                raise ExampleError("a feature has no name or no value")
            found[bytes(names[-1]).decode("utf-8", "replace")] = listed(values[-1])
    if not found:
        raise ExampleError("it has no features")
    return found


def listed(message: memoryview) -> np.ndarray:
    """The values of a Feature message."""
    for number, kind, value in fields(message):
        if kind == LENGTH and number in READERS:
            return READERS[number](value)
    return np.empty(0, np.uint8)


def strings(message: memoryview) -> np.ndarray:
    """uint8: the strings of a BytesList, one after the other."""
    flat = np.frombuffer(message, np.uint8)
    if len(flat) % 3 == 0 and (flat[0::3] == ENTRY[0]).all() and (flat[1::3] == ENTRY[1]).all():
        return flat[2::3].copy()
    return np.frombuffer(b"".join(messages(message, 1)), np.uint8)


def floats(message: memoryview) -> np.ndarray:
    """float32: the values of a FloatList, packed or not."""
    parts = [bytes(value) for number, kind, value in fields(message) if number == 1 and kind in (LENGTH, FLOAT)]
    content = b"".join(parts)
    if len(content) % 4:
        raise ExampleError(f"{len(content)} bytes are no list of floats")
    return np.frombuffer(content, "<f4").astype(np.float32)


def whole_numbers(message: memoryview) -> np.ndarray:
    """int64: the values of an Int64List, packed or not."""
    found: list[int] = []
    for _, kind, value in fields(message):
        at = 0
        while at < len(value):
            number, at = read_varint(value, at)
            found.append(number)
        if kind not in (LENGTH, VARINT):
            raise ExampleError("a list of whole numbers holds something else")
    return np.array(found, np.uint64).astype(np.int64)


READERS = {BYTES: strings, FLOATS: floats, WHOLE: whole_numbers}


def messages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The contents of all fields of one number that hold messages or bytes."""
    return (value for number, kind, value in fields(message) if number == wanted and kind == LENGTH)


def fields(message: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Number, layout and bytes of each field of a message, in order. Raises ExampleError where it ends inside of one."""
    at = 0
    while at < len(message):
        key, at = read_varint(message, at)
        kind, start = key & 7, at
        if kind == VARINT:
            _, at = read_varint(message, at)
        elif kind == LENGTH:
            length, start = read_varint(message, at)
            at = start + length
        elif kind in (DOUBLE, FLOAT):
            at += 8 if kind == DOUBLE else 4
        else:
            raise ExampleError(f"a field is laid out in the unknown way {kind}")
        if at > len(message):
            raise ExampleError("it ends inside a field")
        yield key >> 3, kind, message[start:at]


def read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """A whole number, and where the next thing begins."""
    value = 0
    for place in range(at, min(len(message), at + 10)):
        value |= (message[place] & 0x7F) << 7 * (place - at)
        if message[place] < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place + 1
    raise ExampleError("a whole number does not end")
