"""Weights that ship: every one loads without a network, and is as good as its card says."""

import json
import time

import pytest

from objrep_gym import weights
from objrep_gym.experiments.judge import Exam, evaluate

SHIPPED = weights.published()
SLACK = 0.05  # beyond the interval of the card's thousand scenes, for a hundred


def test_the_first_encoder_ships():
    assert "monet-lite@objects-room" in SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_are_as_good_as_their_card(name: str):
    began = time.perf_counter()
    weights.load(name)
    assert time.perf_counter() - began < 2
    described = json.loads((weights.PRETRAINED / name / weights.CONFIG).read_text())
    said = next(record for record in described["judged"] if record["model"] == name)
    data = f"{said['data']}:variant={said['variant']},look={said['look']}"
    found = evaluate(name, Exam(data=data, count=100))[0]
    for metric in ("ari_fg", "msc_fg"):
        assert said[f"{metric}_low"] - SLACK <= found[metric] <= said[f"{metric}_high"] + SLACK
