"""Weights that ship: every one loads without a network, and is as good as its card says."""

import json
import time
from typing import Any

import pytest

from objrep_gym import weights
from objrep_gym.experiments.counting_table import count
from objrep_gym.experiments.judge import Exam, evaluate
from objrep_gym.metrics.counting import count_by_kl
from objrep_gym.models.mvae import MVAE

SHIPPED = weights.published()
SLACK = 0.05  # beyond the interval of the card's thousand scenes, for a hundred


def test_the_first_encoder_ships():
    assert "monet-lite@objects-room" in SHIPPED


def described(name: str) -> dict[str, Any]:
    """What the card's numbers were made of."""
    judged = json.loads((weights.PRETRAINED / name / weights.CONFIG).read_text())["judged"]
    return next(record for record in judged if record["model"] == name)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_are_as_good_as_their_card(name: str):
    began = time.process_time()
    model = weights.load(name)
    assert time.process_time() - began < 2
    said = described(name)
    if isinstance(model, MVAE):
        found, truth = count({name: model}, said["data"], "test", 300, False, lambda done: None)
        assert found[name].nats is not None
        rate = float((count_by_kl(found[name].nats, said["nats"]) == truth).mean())
        assert said["test_low"] - SLACK <= rate <= said["test_high"] + SLACK
        return
    data = f"{said['data']}:variant={said['variant']},look={said['look']}"
    scores = evaluate(name, Exam(data=data, count=100))[0]
    for metric in ("ari_fg", "msc_fg"):
        assert said[f"{metric}_low"] - SLACK <= scores[metric] <= said[f"{metric}_high"] + SLACK
