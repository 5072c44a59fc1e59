"""Scenes on disk: zstd-compressed Parquet that Hugging Face `datasets` opens, pictures as raw bytes of one size.

Columns: `image` H·W·3 bytes, `mask` H·W bytes of entity ids, `depth` H·W little-endian float32 (metres), and each factor by
its name, a list of E float32, NaN where an entity does not exist. What the columns mean stands in the schema's metadata.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About

if TYPE_CHECKING:
    import pyarrow as pa

KEY, DIGEST = b"objrep_gym", b"blake2b"
LEVEL = 3  # of zstd: plain rooms become 8 % of their raw size
PIXELS = {"image": (np.dtype(np.uint8), 3), "mask": (np.dtype(np.uint8), 1), "depth": (np.dtype("<f4"), 1)}


class ShardsError(ValueError):
    """A folder that holds no shards, foreign files, damaged ones or those of other settings; names the file."""


@dataclass(frozen=True)
class Layout:
    """What the columns of a shard hold."""

    about: About
    size: tuple[int, int]
    outputs: tuple[str, ...]

    def schema(self) -> "pa.Schema":
        """The Arrow schema, with this layout as JSON in its metadata. Raises ValueError on a factor named as an output."""
        import pyarrow as pa

        if set(PIXELS) & set(self.about.factors):
            raise ValueError(f"factors {self.about.factors} may not be named as pictures are: {', '.join(PIXELS)}")
        lists = pa.list_(pa.float32(), len(self.about.entities))
        pixels = [pa.field(name, pa.binary(self.bytes_of(name))) for name in self.outputs]
        factors = [pa.field(name, lists) for name in self.about.factors]
        return pa.schema([*pixels, *factors], metadata={KEY: json.dumps(asdict(self))})

    def bytes_of(self, output: str) -> int:
        """Bytes of one picture."""
        dtype, channels = PIXELS[output]
        return self.size[0] * self.size[1] * channels * dtype.itemsize

    def pictures(self, output: str, flat: np.ndarray) -> np.ndarray:
        """Bytes (N, bytes_of) as pictures: uint8 (N, H, W, 3), uint8 (N, H, W) or float32 (N, H, W)."""
        dtype, channels = PIXELS[output]
        return flat.view(dtype).reshape(len(flat), *self.size, *([channels] if channels > 1 else []))


def import_parquet() -> None:
    """Load the Parquet library now, for those who count the seconds of writing."""
    import pyarrow.parquet  # noqa: F401


def write_shard(path: Path, view: View, layout: Layout) -> None:
    """Write scenes as one Parquet file: the same scenes give the same bytes. Raises OSError if the disk is full."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = layout.schema()
    pictures = [plain(getattr(view, name), schema.field(name).type, len(view.image)) for name in layout.outputs]
    entities = len(layout.about.entities)
    columns = np.moveaxis(view.factors.astype(np.float32, copy=False), 2, 0)
    floats = [plain(column, pa.float32(), column.size) for column in columns]
    factors = [pa.FixedSizeListArray.from_arrays(values, entities) for values in floats]
    table = pa.Table.from_arrays([*pictures, *factors], schema=schema)
    table = table.replace_schema_metadata({**schema.metadata, DIGEST: digest(table)})
    settings = {"compression_level": LEVEL, "use_dictionary": False, "write_statistics": False}
    pq.write_table(table, path, compression="zstd", row_group_size=len(table), **settings)


def plain(values: np.ndarray, kind: "pa.DataType", count: int) -> "pa.Array":
    """`count` values of a fixed-size type over an array's own memory; `pa.array` would import pandas, for two seconds."""
    import pyarrow as pa

    return pa.Array.from_buffers(kind, count, [None, pa.py_buffer(np.ascontiguousarray(values))])


def digest(table: "pa.Table") -> str:
    """Of all that a shard holds. Parquet's own checksums cover neither its page headers nor its footer."""
    found = hashlib.blake2b(digest_size=16)
    for name in table.column_names:
        for piece in table.column(name).chunks:
            found.update((pixels(piece) if name in PIXELS else floats(piece)).data)
    return found.hexdigest()


def read_layout(path: Path) -> tuple[Layout, int]:
    """The layout in a shard's metadata and its number of rows, from its footer alone. Raises ShardsError."""
    import pyarrow.parquet as pq

    try:
        footer = pq.read_metadata(path)
        described = json.loads((footer.metadata or {})[KEY])
        about = described["about"]
        names, background = (tuple(about["entities"]), tuple(about["factors"]), tuple(about["sizes"])), about["background"]
        told = About(*names, int(background), about.get("origin", ""))
        height, width = described["size"]
        layout = Layout(told, (height, width), tuple(described["outputs"]))
    except KeyError as error:
        raise ShardsError(f"{path} is a Parquet file without scenes: `objrep-gym generate` did not write it") from error
    except Exception as error:
        raise ShardsError(f"{path} is damaged or no Parquet file: {error}") from error
    return layout, footer.num_rows


def digest_of(path: Path) -> str:
    """The digest that a shard says it has, from its footer alone."""
    import pyarrow.parquet as pq

    return pq.read_metadata(path).metadata[DIGEST].decode()


def check_shard(path: Path, layout: Layout, rows: int) -> None:
    """Read a whole shard against its digest; raises ShardsError if it is damaged or not what was asked for."""
    found, count = read_layout(path)
    if (found, count) != (layout, rows):
        raise ShardsError(f"{path} holds {count} scenes of another kind than the {rows} asked for: it is left as it is")
    read_whole(path, "delete it, and the same command draws it again")


def read_whole(path: Path, remedy: str) -> "pa.Table":
    """A shard's rows, against its digest; raises ShardsError, with the remedy, if it is damaged."""
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, use_threads=False)
        whole = table.schema.metadata[DIGEST].decode() == digest(table)
    except Exception as error:  # a flipped bit surfaces as anything, up to a demand for petabytes
        raise ShardsError(f"{path} is damaged ({error}): {remedy}") from error
    if not whole:
        raise ShardsError(f"{path} is damaged (its digest differs): {remedy}")
    return table


def read_shard(path: Path, outputs: Sequence[str]) -> View:
    """The scenes of one shard, without the cache that `Stored` reads from. Raises ShardsError if it is damaged."""
    layout, rows = read_layout(path)
    table = read_whole(path, "generate or import it anew")
    factors = np.empty((rows, len(layout.about.entities), len(layout.about.factors)), np.float32)
    for column, name in enumerate(layout.about.factors):
        factors[:, :, column] = np.concatenate([floats(piece) for piece in table.column(name).chunks])
    pictures = {
        name: layout.pictures(name, np.concatenate([pixels(piece) for piece in table.column(name).chunks]))
        for name in outputs
        if name in layout.outputs
    }
    return View(pictures["image"], pictures.get("mask"), pictures.get("depth"), factors)


def shards_of(folder: Path) -> tuple[list[Path], list[int], Layout]:
    """The shards of a folder in order, the scenes of each, and what all of them hold. Raises ShardsError if there are
    none, or they differ."""
    paths = sorted(folder.glob("*.parquet"))
    if not paths:
        raise ShardsError(
            f"{folder} holds no shards (*.parquet). `objrep-gym generate objects-room --count 10000 --out {folder}` draws "
            "some"
        )
    layouts = [read_layout(path) for path in paths]
    different = [path for path, (layout, _) in zip(paths, layouts, strict=True) if layout != layouts[0][0]]
    if different:
        raise ShardsError(f"{different[0]} holds scenes of another kind than {paths[0].name} beside it")
    return paths, [rows for _, rows in layouts], layouts[0][0]


class Stored:
    """The numbered scenes of a folder of shards, or of several that are of one kind, from a memory-mapped cache.

    Hugging Face `datasets` unpacks the shards once into its cache. Raises ShardsError if there are none, or they differ.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self.paths, rows, self.layout = shards_of(self.folder)
        self.examples: int | None = sum(rows)
        self.about, self.size = self.layout.about, self.layout.size
        self.mapped: Mapped | None = None

    def read(self, indices: np.ndarray, outputs: Sequence[str] = ("image",)) -> View:
        """Scenes by number. Raises ShardsError on a picture that was not generated, IndexError on a number too large."""
        missing = [name for name in outputs if name not in self.layout.outputs]
        if missing:
            raise ShardsError(f"{self.folder} holds {', '.join(self.layout.outputs)}, no {missing[0]}: generate it anew")
        if self.mapped is None:
            self.mapped = Mapped(self.paths, self.layout)
        rows = self.mapped.places(np.asarray(indices))
        pictures = {name: self.layout.pictures(name, self.mapped.take(name, *rows)) for name in outputs}
        factors = np.empty((len(indices), len(self.about.entities), len(self.about.factors)), np.float32)
        for column, name in enumerate(self.about.factors):
            factors[:, :, column] = self.mapped.take(name, *rows)
        return View(pictures["image"], pictures.get("mask"), pictures.get("depth"), factors)

    def close(self) -> None:
        """Let go of the mapped files."""
        self.mapped = None


class Mapped:
    """The columns of all shards as arrays over `datasets`' memory-mapped cache, in pieces as they lie there. Arrow's own
    gathering of random rows builds an array for each row and column: ten times the work."""

    def __init__(self, paths: Sequence[Path], layout: Layout):
        table = open_rows(paths)
        self.columns = {name: [pixels(piece) for piece in table.column(name).chunks] for name in layout.outputs}
        self.columns |= {name: [floats(piece) for piece in table.column(name).chunks] for name in layout.about.factors}
        self.starts = np.cumsum([0, *(len(piece) for piece in self.columns["image"])])

    def places(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Piece, and row in that piece, of each index. Raises IndexError on one out of range."""
        if len(indices) and not 0 <= indices.min() <= indices.max() < self.starts[-1]:
            raise IndexError(f"scenes {indices.min()} to {indices.max()} asked of {self.starts[-1]}")
        pieces = np.searchsorted(self.starts, indices, side="right") - 1
        return pieces, indices - self.starts[pieces]

    def take(self, name: str, pieces: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Rows of a column (N, width), copied."""
        column = self.columns[name]
        taken = np.empty((len(rows), column[0].shape[1]), column[0].dtype)
        for place, (piece, row) in enumerate(zip(pieces.tolist(), rows.tolist(), strict=True)):
            taken[place] = column[piece][row]
        return taken


def open_rows(paths: Sequence[Path]) -> "pa.Table":
    """The shards as one table in the cache of `datasets`, unpacked there at the first time, with its usual bar."""
    import datasets

    return datasets.load_dataset("parquet", data_files=[str(path) for path in paths], split="train").data.table


def pixels(piece: "pa.FixedSizeBinaryArray") -> np.ndarray:
    """A fixed-size binary piece as bytes (n, width), not copied."""
    width = piece.type.byte_width
    return np.frombuffer(piece.buffers()[1], np.uint8, len(piece) * width, piece.offset * width).reshape(-1, width)


def floats(piece: "pa.FixedSizeListArray") -> np.ndarray:
    """A piece of lists of floats as (n, list size), not copied."""
    width, values = piece.type.list_size, piece.values
    start = values.offset + piece.offset * width  # `to_numpy` would import pandas, for two seconds
    return np.frombuffer(values.buffers()[1], np.float32, len(piece) * width, 4 * start).reshape(-1, width)
