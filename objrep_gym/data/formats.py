"""Scenes in the formats that others read: DeepMind's TFRecords, WebDataset's tar files, Parquet with PNGs for the hub's
viewer.

Each writer gets a path and a portion of a dataset, and writes one file; the same portion gives the same bytes.
"""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from objrep_gym.data.examples import encoded
from objrep_gym.data.records import framed
from objrep_gym.data.shards import LEVEL
from objrep_gym.data.tfrecords import features, published_ids
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About

if TYPE_CHECKING:
    import datasets

GZIP_LEVEL, PNG_LEVEL = 3, 4  # half and two thirds of the time of 6, for 26 % and 2 % more bytes


@dataclass(frozen=True)
class Portion:
    """Consecutive scenes of a dataset: what they are, how they look, the number of the first."""

    about: About
    view: View
    start: int


@dataclass(frozen=True)
class Format:
    """A file format: what its files are called, and how one is written. `needs` pictures of these names."""

    suffix: str
    write: Callable[[Path, Portion], None]
    needs: tuple[str, ...] = ("image",)


def write_tfrecords(path: Path, portion: Portion) -> None:
    """The published layout of Objects Room (Kabra et al. 2019): `image` and a mask for each entity, gzipped."""
    ids = published_ids(portion.about)
    assert portion.view.mask is not None
    with path.open("wb") as raw, gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0) as file:
        for image, mask in zip(portion.view.image, portion.view.mask, strict=True):
            file.write(framed(encoded(features(image, ids[mask], int(ids.max()) + 1))))


def write_webdataset(path: Path, portion: Portion) -> None:
    """A tar file with, for each scene, `000000012.png`, `000000012.mask.png` and `000000012.json`."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for row, image in enumerate(portion.view.image):
            name = f"{portion.start + row:09d}"
            add(archive, f"{name}.png", png(image))
            if portion.view.mask is not None:
                add(archive, f"{name}.mask.png", png(portion.view.mask[row]))
            add(archive, f"{name}.json", json.dumps(named(portion.about, portion.view.factors[row])).encode())


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """A file of today's bytes and of no date, so that two exports are equal."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def named(about: About, factors: np.ndarray) -> dict[str, dict[str, float]]:
    """Factors (E, F) by entity and name. What is NaN is left out, as JSON has no such number: an entity that does not
    exist is not there."""
    rows = zip(about.entities, factors, strict=True)
    known = {
        entity: {name: float(value) for name, value in zip(about.factors, row, strict=True) if not np.isnan(value)}
        for entity, row in rows
    }
    return {entity: values for entity, values in known.items() if values}


def png(pixels: np.ndarray) -> bytes:
    """A picture uint8 (H, W, 3), or ids uint8 (H, W) as shades of grey, as a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", compress_level=PNG_LEVEL)
    return file.getvalue()


def write_parquet(path: Path, portion: Portion) -> None:
    """Columns `image` and `mask` of PNG files and each factor as a list, as Hugging Face `datasets` declares them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    view, known = portion.view, columns(portion.about, portion.view.mask is not None)
    schema = known.arrow_schema
    pictures = [view.image] if view.mask is None else [view.image, view.mask]
    arrays = [pa.StructArray.from_arrays(*files(images, schema.field("image").type)) for images in pictures]
    for index in range(len(portion.about.factors)):
        values = np.ascontiguousarray(view.factors[:, :, index], np.float32)
        flat = pa.Array.from_buffers(pa.float32(), values.size, [None, pa.py_buffer(values)])
        arrays.append(pa.FixedSizeListArray.from_arrays(flat, values.shape[1]))
    table = pa.Table.from_arrays([a.cast(f.type) for a, f in zip(arrays, schema, strict=True)], schema=schema)
    pq.write_table(table, path, compression="zstd", compression_level=LEVEL, row_group_size=ROW_GROUP)


ROW_GROUP = 100  # rows that the hub's viewer fetches at once


def files(images: np.ndarray, kind: Any) -> tuple[list[Any], list[str]]:
    """The fields of a struct of PNG files without names, and what they are called."""
    import pyarrow as pa

    content = {"bytes": pa.array([png(image) for image in images], pa.binary()), "path": pa.nulls(len(images), pa.string())}
    names = [field.name for field in kind]
    return [content[name] for name in names], names


def columns(about: About, masks: bool) -> "datasets.Features":
    """What the columns of a Parquet export hold."""
    import datasets

    pictures = {"image": datasets.Image(), **({"mask": datasets.Image()} if masks else {})}
    factor = datasets.List(datasets.Value("float32"), length=len(about.entities))
    return datasets.Features({**pictures, **dict.fromkeys(about.factors, factor)})


FORMATS: Mapping[str, Format] = {
    "tfrecords": Format(".tfrecords", write_tfrecords, ("image", "mask")),
    "webdataset": Format(".tar", write_webdataset),
    "parquet": Format(".parquet", write_parquet),
}
