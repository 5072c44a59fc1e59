"""Slots in words: what planted lines say, what is refused, and the encoder that ships in front of an environment."""

import json
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch

from objrep_gym.metrics.probes import Line
from objrep_gym.models import MODELS
from objrep_gym.scenes.palette import HUES, colour_name
from objrep_gym.weights import CONFIG, WeightsError, digest, load, read_config, save
from objrep_gym.wrappers.describe import ABOUT, PROBE, Describer, Head, Probe, Told, load_probe, records, save_probe
from tests.data.fake_model import TinyConfig

NAMES = ("nothing", "object", "floor")


def line(kind, *rows: int) -> Line:
    """A line that reads codes as they are: `rows` are the dimensions it looks at."""
    weight = np.eye(9)[list(rows)]
    classes = np.arange(len(rows)) if kind == "classes" else None
    return Line(kind, weight, np.zeros(len(rows)), classes)


PLANTED = Probe(
    {
        "what": Head(line("classes", 0, 1, 2), NAMES),
        "shape": Head(line("classes", 3, 4), ("cube", "sphere")),
        "across": Head(line("line", 5), ("left", "middle", "right"), (-1 / 3, 1 / 3)),
        "down": Head(line("line", 6), ("top", "middle", "bottom"), (-1 / 3, 1 / 3)),
        "hue": Head(line("circle", 7, 8)),
    },
    ("object",),
    {"judged": []},
)
SLOTS = np.array(
    [
        # nothing object floor  cube sphere  across down  sin cos
        [0.0, 9.0, 0.0, 0.0, 1.0, -0.9, 0.8, 0.0, -1.0],
        [0.0, 9.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        [0.0, 9.0, 0.0, 1.0, 0.0, 0.5, 0.0, 3**0.5, -1.0],
        [0.0, 0.0, 9.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ],
    np.float32,
)
WORDS = ["cyan sphere, bottom left", "red cube, middle", "green cube, right", "floor", "nothing"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An encoder of nine latents with the planted probe beside it."""
    monkeypatch.setitem(MODELS, "tiny", TinyConfig())
    save(tmp_path / "run", TinyConfig(width=9).build())
    save_probe(tmp_path / "run", PLANTED, read_config(tmp_path / "run")[1]["sha256"])
    return tmp_path / "run"


def test_slots_are_told_in_words(folder):
    describe = Describer(folder)
    assert [str(one) for one in describe(SLOTS)] == WORDS
    first, *_, last = describe(torch.from_numpy(SLOTS))
    assert (first.shape, first.colour, first.place, last.what) == ("sphere", "cyan", "bottom left", "nothing")
    assert (first.across, first.down) == pytest.approx((-0.9, 0.8))
    assert first.sure > 0.99
    assert last.sure == pytest.approx(np.e / (np.e + 2))
    assert (last.shape, last.colour, last.place) == ("", "", "")
    assert np.isnan(last.across)


def test_rows_of_slots_are_told_row_by_row(folder):
    describe = Describer(folder)
    rows = describe(np.stack([SLOTS, SLOTS[::-1]]))
    assert [[str(one) for one in row] for row in rows] == [WORDS, WORDS[::-1]]
    assert {column.shape for column in describe.table(np.stack([SLOTS, SLOTS])).values()} == {(2, 5)}


def test_records_are_json(folder):
    told = json.loads(json.dumps(records(Describer(folder)(SLOTS))))
    assert told[0]["shape"] == "sphere"
    assert told[3]["across"] is None
    assert set(told[0]) == set(Told.__dataclass_fields__)


@pytest.mark.parametrize("shape", [(5, 8), (2, 5, 10)])
def test_slots_of_another_size_are_refused(folder, shape):
    with pytest.raises(ValueError, match=r"are not \(K, 9\), as this encoder gives them"):
        Describer(folder)(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_slots_that_are_no_numbers_are_refused(folder, value):
    slots = np.zeros((2, 9))
    slots[1, 4] = value
    with pytest.raises(ValueError, match="some slots are NaN or infinite"):
        Describer(folder)(slots)


def test_what_is_kept_is_read_again(folder):
    again = load_probe(folder)
    assert again.things == PLANTED.things
    for name, head in PLANTED.heads.items():
        assert again.heads[name].names == head.names
        assert again.heads[name].line.weight == pytest.approx(head.line.weight)


DAMAGED = {
    "other weights": (lambda told: told.update(weights="0" * 64), "was fitted to weights with the sha256 000"),
    "another file": (lambda told: told.update(sha256="0" * 64), r"probe\.safetensors beside it was altered"),
    "no heads": (lambda told: told.pop("heads"), "heads"),
    "heads in a list": (lambda told: told.update(heads=[]), r"probe\.json"),
    "a head too many": (lambda told: told["heads"].update(size=told["heads"]["down"]), "lacks tensor size"),
    "a class too many": (lambda told: told["heads"]["shape"]["classes"].append(2), r"shape\.bias has shape \(2,\)"),
    "a class without a name": (
        lambda told: told["heads"]["what"]["names"].pop(),
        r"2 names do not fit the classes \[0, 1, 2\]",
    ),
    "a class below none": (lambda told: told["heads"]["shape"].update(classes=[0, -1]), r"2 names do not fit the classes"),
    "a name too few": (lambda told: told["heads"]["down"]["names"].pop(), "2 names do not fit 2 edges"),
    "a name too many": (lambda told: told["heads"]["down"]["names"].append("below"), "4 names do not fit 2 edges"),
    "edges without names": (lambda told: told["heads"]["hue"]["edges"].append(1.0), "0 names do not fit 1 edges"),
    "an unknown kind": (lambda told: told["heads"]["down"].update(kind="spiral"), "spiral"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_probe_is_named(folder, kind):
    edit, message = DAMAGED[kind]
    told = json.loads((folder / ABOUT).read_text())
    edit(told)
    (folder / ABOUT).write_text(json.dumps(told))
    with pytest.raises(WeightsError, match=message) as caught:
        Describer(folder)
    assert str(folder) in str(caught.value)


def test_a_probe_that_tells_what_by_a_number_is_named(folder):
    heads = {**PLANTED.heads, "what": Head(line("line", 0))}
    save_probe(folder, replace(PLANTED, heads=heads), read_config(folder)[1]["sha256"])
    with pytest.raises(WeightsError, match=r"what is 'line', but what a slot holds is told by classes"):
        Describer(folder)


def test_a_probe_is_the_one_that_the_config_names(folder):
    """Other words are as good a probe: only the digest tells that somebody changed them."""
    beside = {file: digest((folder / file).read_bytes()) for file in (ABOUT, PROBE)}
    save(folder, load(folder), beside=beside)
    assert Describer(folder).probe.things == PLANTED.things
    save_probe(folder, replace(PLANTED, things=("floor",)), read_config(folder)[1]["sha256"])
    with pytest.raises(WeightsError, match=rf"probe\.json was altered: .* config\.json beside it says {beside[ABOUT]}"):
        Describer(folder)
    save(folder, load(folder), beside={})
    with pytest.raises(WeightsError, match=r"probe\.json was altered: .* config\.json beside it says nothing of it"):
        Describer(folder)


def test_no_probe_says_what_makes_one(folder):
    (folder / ABOUT).unlink()
    with pytest.raises(
        WeightsError, match=r"has no probe\.json beside weights.*monet-lite@objects-room.* have one.*export RUN"
    ):
        Describer(folder)
    with pytest.raises(WeightsError, match="colour has no"):
        Describer("colour")
    (folder / PROBE).unlink()
    assert (folder / CONFIG).exists()


def test_colours_have_the_name_of_the_nearest_hue():
    turns = np.array(list(HUES.values()))
    assert colour_name(2 * np.pi * turns, np.ones(len(turns))).tolist() == list(HUES)
    assert colour_name(np.array([6.2, -0.1]), np.array([1.0, 0.1])).tolist() == ["red", "white"]


def test_a_size_is_told_by_its_thirds():
    size = Head(line("line", 5), ("small", "medium", "large"), (0.1, 0.2))
    probe = replace(PLANTED, heads={**PLANTED.heads, "size": size})
    assert probe.words({"size": np.array([0.05, 0.1, 0.15, 0.25])})["size"].tolist() == [
        "small",
        "medium",
        "medium",
        "large",
    ]


def test_the_encoder_that_ships_names_what_stands_in_a_room():
    """The goal of Reach is a blue cube, and the hand is white."""
    env = gym.make("objrep_gym:ObjRep/Reach-v0", encoder="monet-lite@objects-room")
    describe = Describer("monet-lite@objects-room")
    told = [one for seed in range(5) for one in describe(env.reset(seed=seed)[0])]
    env.close()
    hands = [one for one in told if one.what == "hand"]
    assert all("hand" in str(one) for one in hands)
    assert len(hands) >= 4
    assert sum(one.colour == "blue" for one in told) >= 4
    assert {"floor", "nothing"} & {one.what for one in told}
