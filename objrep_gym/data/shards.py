"""Scenes on disk: zstd-compressed Parquet that Hugging Face `datasets` opens, pictures as raw bytes of one size.

Columns: `image` H·W·3 bytes, `mask` H·W bytes of entity ids, `depth` H·W little-endian float32 (metres), and each factor by
its name, a list of E float32, NaN where an entity does not exist. What the columns mean stands in the schema's metadata.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About

if TYPE_CHECKING:
    import pyarrow as pa

KEY = b"objrep_gym"
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
        """Bytes (N · bytes_of) as pictures: uint8 (N, H, W, 3), uint8 (N, H, W) or float32 (N, H, W)."""
        dtype, channels = PIXELS[output]
        return flat.view(dtype).reshape(-1, *self.size, *([channels] if channels > 1 else []))


def import_parquet() -> None:
    """Load the Parquet library now, for those who count the seconds of writing."""
    import pyarrow.parquet  # noqa: F401


def write_shard(path: Path, view: View, layout: Layout) -> None:
    """Write scenes as one Parquet file: the same scenes give the same bytes. Raises OSError if the disk is full."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = layout.schema()
    pixels = [fixed(getattr(view, name), schema.field(name).type) for name in layout.outputs]
    entities = len(layout.about.entities)
    columns = np.ascontiguousarray(np.moveaxis(view.factors.astype(np.float32, copy=False), 2, 0))
    factors = [pa.FixedSizeListArray.from_arrays(pa.array(column.ravel()), entities) for column in columns]
    table = pa.Table.from_arrays([*pixels, *factors], schema=schema)
    pq.write_table(
        table, path, compression="zstd", compression_level=LEVEL, use_dictionary=False, write_statistics=False,
        write_page_checksum=True, row_group_size=len(table),
    )  # fmt: skip


def fixed(pictures: np.ndarray, kind: "pa.DataType") -> "pa.Array":
    """Pictures (N, …) as a fixed-size binary column over their own memory."""
    import pyarrow as pa

    pixels = np.ascontiguousarray(pictures)
    return pa.Array.from_buffers(kind, len(pixels), [None, pa.py_buffer(pixels)])


def read_layout(path: Path) -> tuple[Layout, int]:
    """The layout in a shard's metadata and its number of rows, from its footer alone. Raises ShardsError."""
    import pyarrow.parquet as pq

    try:
        footer = pq.read_metadata(path)
        described = json.loads((footer.metadata or {})[KEY])
        about = {name: tuple(v) if isinstance(v, list) else v for name, v in described["about"].items()}
        layout = Layout(About(**about), tuple(described["size"]), tuple(described["outputs"]))
    except KeyError as error:
        raise ShardsError(f"{path} is a Parquet file without scenes: `objrep-gym generate` did not write it") from error
    except (ValueError, TypeError, OSError) as error:
        raise ShardsError(f"{path} is damaged or no Parquet file: {error}") from error
    return layout, footer.num_rows


def check_shard(path: Path, layout: Layout, rows: int) -> None:
    """Read a whole shard against its checksums; raises ShardsError if it is damaged or not what was asked for."""
    import pyarrow.parquet as pq

    found, count = read_layout(path)
    if (found, count) != (layout, rows):
        raise ShardsError(f"{path} holds {count} scenes of another kind than the {rows} asked for: it is left as it is")
    try:
        pq.read_table(path, page_checksum_verification=True, use_threads=False)
    except (OSError, ValueError) as error:
        raise ShardsError(f"{path} is damaged ({error}): delete it, and the same command draws it again") from error


class Stored:
    """The numbered scenes of a folder of shards, or of several that are of one kind, from a memory-mapped cache.

    Hugging Face `datasets` unpacks the shards once into its cache. Raises ShardsError if there are none, or they differ.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self.paths = sorted(self.folder.glob("*.parquet"))
        if not self.paths:
            raise ShardsError(
                f"{self.folder} holds no shards (*.parquet). `objrep-gym generate objects-room --count 10000 --out "
                f"{self.folder}` draws some"
            )
        layouts = [read_layout(path) for path in self.paths]
        self.layout = layouts[0][0]
        different = [path for path, (layout, _) in zip(self.paths, layouts, strict=True) if layout != self.layout]
        if different:
            raise ShardsError(f"{different[0]} holds scenes of another kind than {self.paths[0].name} beside it")
        self.examples: int | None = sum(rows for _, rows in layouts)
        self.about, self.size = self.layout.about, self.layout.size
        self.rows: Any = None

    def read(self, indices: np.ndarray, outputs: Sequence[str] = ("image",)) -> View:
        """Scenes by number. Raises ShardsError on a picture that was not generated, IndexError on a number too large."""
        missing = [name for name in outputs if name not in self.layout.outputs]
        if missing:
            raise ShardsError(f"{self.folder} holds {', '.join(self.layout.outputs)}, no {missing[0]}: generate it anew")
        if self.rows is None:
            self.rows = open_rows(self.paths)
        table = self.rows[np.asarray(indices)]
        pictures = {name: self.layout.pictures(name, flat_bytes(table, name)) for name in outputs}
        factors = np.stack([flat_floats(table, name) for name in self.about.factors], axis=-1)
        shaped = factors.reshape(len(table), len(self.about.entities), len(self.about.factors))
        return View(pictures["image"], pictures.get("mask"), pictures.get("depth"), shaped)

    def close(self) -> None:
        """Let go of the mapped files."""
        self.rows = None


def open_rows(paths: Sequence[Path]) -> Any:
    """The shards as one Arrow-formatted `datasets.Dataset`, without its own progress bars."""
    import datasets

    shown = datasets.utils.logging.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        files = [str(path) for path in paths]
        return datasets.load_dataset("parquet", data_files=files, split="train").with_format("arrow")
    finally:
        if shown:
            datasets.enable_progress_bars()


def flat_bytes(table: "pa.Table", name: str) -> np.ndarray:
    """A fixed-size binary column as one run of bytes."""
    array = table.column(name).combine_chunks()
    width = array.type.byte_width
    start = array.offset * width
    return np.frombuffer(array.buffers()[1], np.uint8, len(array) * width, start)


def flat_floats(table: "pa.Table", name: str) -> np.ndarray:
    """A column of lists of floats as one run of floats."""
    return table.column(name).combine_chunks().flatten().to_numpy(zero_copy_only=False)
