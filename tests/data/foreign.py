"""TFRecords as others write them: by protobuf's own library, with a checksum worked bit by bit; and a file that the
`tfrecord` package wrote."""

import base64
import gzip
import struct
from functools import cache
from pathlib import Path

import numpy as np
import pytest

# Three records of Objects Room, train: sky (20, 30, 40) over a floor (10 k, 0, 0), a fifth entity of 4 × 9 pixels at row
# 40 and column k, for k = 1, 2, 3. Written by tfrecord 1.14.6, pixels as byte strings of one byte, and gzipped.
BY_TFRECORD = base64.b64decode(
    """
H4sIAAAAAAACA+3dIa4iMRzA4SlhQtKgGswaNJxhHWqz+l1gBCGEjOICI0aDR43hAs88y1FQ7xpsyeZ5DBOGfM3X5Cf/rqrt8hqK+0qn6SqeL5
N46Mo4rqv9LrW5mrzDDQAAAAAAeDsFAAAAAAAAAAAAAADw8tyAAHAFbKCng/nNDwAAAHj/BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AOARQ/8d3vzmBwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgGc6dqNYbutqs05tzibvMIthHsNCCCGEEEIIIYQQQgghhBBCCCGEEEIIIYQQQg
ghhBBCCCGEEEIIIYQQQgghhBA9Rvx5HkgIIYQQQgghhBBCCCGEEEIIIYQQQgghhBBCCCGEEEIIIYQQQgghhBBCCCGEED3F36b9vbyG4r7SabqK
58skHroyjutqv0ttribvcAMAAAAAAN5OAQAAAAAAAAAAAAAAvDw3IADcAhvuAWF+8wMAAADe/wEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AAAAB4xNA/iDe/+QEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAOBpjt0oltu62qxTm7PJO8ximMewEEIIIYQQQgghhBBCCCGEEEIIIYQQQggh
hBBCCCGEEEIIIYQQQgghhBBCCCFEv/H/eSAhhBBCCCGEEEIIIYQQQgghhBBCCCGEEEIIIYQQQgghhBBCCCGEEEIIIYQQQvQUn1/fv5bXUNxXOk
1X8XyZxENXxnFd7XepzdXkHW4AAAAAAMDbKQAAAAAAAAAAAAAAgJfnBgSAi2CDPiPMb34AAADA+z8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
AAAAAAAAjxj6H/HmNz8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA8x7EbxXJbV5t1anM2eYdZDPMYFkIIIYQQQgghhBBCCCGEEEIIIYQQQg
ghhBBCCCGEEEIIIYQQQgghhBBCCCGE6DHmP88DCSGEEEIIIYQQQgghhBBCCCGEEEIIIYQQQgghhBBCCCGEEEIIIYQQQgghhBCip2i+/nz8A+Qs
bM+roAUA
    """
)


@cache
def messages():
    """protobuf's own `tf.train.Example`."""
    pool = pytest.importorskip("google.protobuf.descriptor_pool")
    from google.protobuf import descriptor_pb2, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="t", syntax="proto3")

    def message(name, *fields):
        added = file.message_type.add(name=name)
        for number, (field, kind, label, of) in enumerate(fields, 1):
            added.field.add(name=field, number=number, type=kind, label=label, type_name=of)
        return added

    many, one = kinds.LABEL_REPEATED, kinds.LABEL_OPTIONAL
    message("BytesList", ("value", kinds.TYPE_BYTES, many, None))
    message("FloatList", ("value", kinds.TYPE_FLOAT, many, None))
    message("Int64List", ("value", kinds.TYPE_INT64, many, None))
    lists = [
        (n, kinds.TYPE_MESSAGE, one, f".t.{k}") for n, k in (("b", "BytesList"), ("f", "FloatList"), ("i", "Int64List"))
    ]
    feature = message("Feature", *lists)
    feature.oneof_decl.add(name="kind")
    for field in feature.field:
        field.oneof_index = 0
    features = message("Features", ("feature", kinds.TYPE_MESSAGE, many, ".t.Features.FeatureEntry"))
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=one)
    entry.field.add(name="value", number=2, type=kinds.TYPE_MESSAGE, label=one, type_name=".t.Feature")
    message("Example", ("features", kinds.TYPE_MESSAGE, one, ".t.Features"))
    own = pool.DescriptorPool()
    own.Add(file)
    return message_factory.GetMessageClass(own.FindMessageTypeByName("t.Example"))


def example(single=True, **features) -> bytes:
    """An Example: uint8 arrays as byte strings of one byte (or as one string), floats and whole numbers as such."""
    made = messages()()
    for name, value in features.items():
        array = np.asarray(value)
        feature = made.features.feature[name]
        if array.dtype == np.uint8:
            whole = array.tobytes()
            feature.b.value.extend([bytes([byte]) for byte in whole] if single else [whole])
        elif array.dtype.kind == "f":
            feature.f.value.extend(array.ravel().tolist())
        else:
            feature.i.value.extend(array.ravel().tolist())
    return made.SerializeToString(deterministic=True)


@cache
def table() -> list[int]:
    """What a byte does to CRC-32C, by its definition, bit after bit."""
    rows = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        rows.append(byte)
    return rows


def crc(content: bytes) -> int:
    rest, rows = 0xFFFFFFFF, table()
    for byte in content:
        rest = rows[(rest ^ byte) & 0xFF] ^ (rest >> 8)
    return rest ^ 0xFFFFFFFF


def masked(content: bytes) -> int:
    plain = crc(content)
    return ((plain >> 15 | plain << 17) + 0xA282EAD8) % 2**32


def record(content: bytes) -> bytes:
    """A record as TensorFlow frames it."""
    length = struct.pack("<Q", len(content))
    return length + struct.pack("<I", masked(length)) + content + struct.pack("<I", masked(content))


def write(path: Path, *contents: bytes) -> Path:
    """A gzipped file of records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(b"".join(map(record, contents)), 1, mtime=0))
    return path
