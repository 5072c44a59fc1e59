"""The probe that ships: what a slot holds by its pixels, what is fitted, and how its words are scored."""

from dataclasses import replace

import numpy as np
import pytest

from objrep_gym.experiments.describing import as_table, describable, described, fitted, look, owners, scores
from objrep_gym.experiments.judge import Exam
from objrep_gym.figures.tables import as_markdown
from objrep_gym.models import MODELS

DATA = "objects-room:variant=train,look=published,size=32,engine=raycast"
COLOUR = replace(MODELS["colour"], size=(32, 32)).build().eval()


@pytest.fixture(scope="module")
def seen():
    return look(COLOUR, Exam(DATA, "validation", 120))


def test_a_slot_belongs_to_whom_most_of_its_pixels_do():
    true = np.zeros((1, 32, 32), int)
    true[0, :, 16:] = 1
    true[0, :8, :8] = 6
    parted = np.where(true == 6, 2, 0)
    parted[0, :, 20:] = 1
    parted[0, 0, 0] = 3
    entities = ("sky", "floor", "wall_east", "wall_north", "wall_west", "wall_south", "object_0")
    assert owners(parted, true, 5, entities).tolist() == [["sky", "floor", "object", "nothing", "nothing"]]


def test_colour_tells_colour_and_place_and_little_of_shape(seen):
    probe = fitted([seen])
    found = scores(probe, look(COLOUR, Exam(DATA, "test", 60)))
    assert {"object", "floor", "wall", "sky"} <= set(probe.heads["what"].names)
    assert probe.things == ("object",)
    assert found["what"] > found["guess_what"] + 0.2
    assert found["colour"] > found["guess_colour"] + 0.4
    assert found["place"] > found["guess_place"] + 0.3
    assert found["shape"] < 0.6
    assert 0 < found["off"] < 8
    assert 0.5 < found["r2_across"] <= 1


def test_words_that_are_right_score_one(seen):
    """The factors themselves as codes: what is told is what is true."""
    truth = np.nan_to_num(seen.things.factors)
    hue = seen.things.names.index("hue")
    codes = np.concatenate([truth, np.sin(truth[:, hue : hue + 1]), np.cos(truth[:, hue : hue + 1])], axis=1)
    things = replace(seen.things, codes=codes, overlap=np.ones(len(codes)))
    told = replace(seen, slots=codes, what=np.array(["object"] * len(codes)), things=things)
    found = scores(fitted([told]), told)
    assert found["what"] == 1
    assert min(found[word] for word in ("colour", "place", "size")) > 0.97
    assert found["off"] < 0.2


def test_a_probe_says_what_it_was_fitted_to_and_how_well_it_does():
    probe = described(COLOUR, [DATA, DATA.replace("train", "identical-color")], 9, progress=False)
    assert probe.about["fitted"] | {"things": 0} == {
        "data": [DATA, DATA.replace("train", "identical-color")],
        "split": "validation",
        "count": 28,
        "things": 0,
    }
    first, second = probe.about["judged"]
    assert (first["count"], second["data"]) == (9, DATA.replace("train", "identical-color"))
    text = as_markdown(as_table(probe.about["judged"]))
    assert f"{DATA}, the commonest word" in text
    assert "off by, pixels" in text


def test_worlds_of_other_things_have_no_probe_in_common(seen):
    other = look(
        replace(MODELS["colour"], size=(32, 32)).build().eval(), Exam("tabletop:size=32,engine=raycast", "test", 6)
    )
    assert {"cube", "cylinder", "sphere"} <= set(fitted([other]).heads["shape"].names)
    with pytest.raises(ValueError, match="have no probe in common"):
        fitted([seen, other])


def test_what_has_no_masks_or_no_factors_has_no_probe():
    assert describable(COLOUR, [DATA])
    assert not describable(MODELS["mvae"].tiny().build(), ["sprites:size=32"])
    assert not describable(COLOUR, ["data/seen"])
