"""Figures of entities: what is exchanged, what is held, and what is chosen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from objrep_gym.experiments.entities import (
    VALUES,
    attention,
    decoded,
    exchanged,
    journal,
    learning,
    samples,
    sequence,
    training,
    traverse,
    within,
)
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.model_figure import ModelFigure, Shown, bounds
from objrep_gym.experiments.trained import Effort
from objrep_gym.journal import NAME, Journal
from objrep_gym.models import MODELS
from objrep_gym.models.mvae import MVAEConfig
from objrep_gym.training import Stage
from objrep_gym.types import to_uint8


def shown(name: str = "mvae-fine", folder: Path = Path("nowhere"), scenes: int = 4) -> Shown:
    torch.manual_seed(0)
    model = MODELS[name].tiny().build().eval()
    return Shown(model, torch.rand(scenes, *model.size), folder)


def test_the_first_slots_change_places():
    one = shown()
    pairs = exchanged(one)
    assert pairs.scenes.shape == (2, 2, 32, 32, 3)
    np.testing.assert_array_equal(pairs.scenes[1, 0], to_uint8(one.image)[2].numpy())
    with torch.no_grad():
        latents = one.model.encode(one.image).latents
        mixed = torch.cat((latents[3:4, :1], latents[2:3, 1:]), 1)
        np.testing.assert_array_equal(pairs.exchanged[1, 0], to_uint8(one.model.decode(mixed).image)[0].numpy())
        np.testing.assert_array_equal(pairs.drawn[1, 1], to_uint8(one.model.decode(latents[3:4]).image)[0].numpy())


def test_an_odd_scene_has_no_partner():
    assert exchanged(shown(scenes=5)).scenes.shape[0] == 2


def test_one_latent_goes_from_end_to_end_and_the_others_stay():
    one = shown()
    with torch.no_grad():
        latents = one.model.encode(one.image[:1]).latents[0]
        images = traverse(one.model, latents, 1, VALUES)
        latents[1, 2] = 2.25
        last = to_uint8(one.model.decode(latents[None]).image)[0].numpy()
    assert images.shape == (6, 9, 32, 32, 3)
    np.testing.assert_allclose(images[2, -1].astype(int), last, atol=1)


def test_pictures_of_every_figure_are_drawn():
    mvae, vae = shown(), shown("vae-sprites")
    both = {"MVAE": mvae, "VAE": vae}
    assert [picture.caption for picture in samples(both)] == ["MVAE", "VAE"]
    assert len(within({"VAE": vae})) == 1, "one slot is not drawn in steps"
    assert len(training({"MVAE": mvae, "VAE": vae})) == 1, "no journal, no curve; the VAE has no map"
    for picture in (attention("MVAE", mvae), sequence("MVAE", mvae)):
        assert isinstance(picture.image, dict)
        assert picture.image["light"][:4] == b"\x89PNG"


def test_a_curve_begins_where_the_loss_has_come_down(tmp_path: Path):
    written = Journal(tmp_path)
    for step in range(1, 201):
        written.write(step=step, stage=0, loss=1e6 if step < 3 else 100.0)
    written.close()
    assert (tmp_path / NAME).exists()
    curve = learning(journal(tmp_path), since=4.0)
    assert curve is not None
    assert curve.x[0] == 4
    assert (curve.y == 100).all()
    assert learning(journal(tmp_path), since=300.0) is None
    assert journal(tmp_path / "none") == []
    long, none = shown(folder=tmp_path), shown("vae-sprites")
    assert training({"long": long, "none": none})[0].alt == "The loss falls with steps"


def test_many_latents_are_decoded_in_parts():
    one = shown()
    latents = torch.randn(450, 2, 6)
    with torch.no_grad():
        assert decoded(one.model, latents).shape == (450, 32, 32, 3)


def test_bounds_are_at_a_price_of_one_whatever_was_trained():
    torch.manual_seed(0)
    plain = MVAEConfig(grid=8).tiny().build().eval()
    priced = replace(MVAEConfig(grid=8).tiny(), beta=5.0).build().eval()
    priced.load_state_dict(plain.state_dict())
    one, other = (bounds(model, "sprites:size=32", 6) for model in (plain, priced))
    assert one == other
    assert one["bound"] == one["nll"] + one["kl"]


def test_a_figure_trains_draws_and_measures(tmp_path: Path):
    run = Run(MVAEConfig(grid=8).tiny(), ("sprites:size=32",), (Stage(2, lr=1e-3),), batch=4)
    figure = ModelFigure("Figure", {"MVAE": run}, samples, shown=2, judged=5)
    records, sections = figure.perform(tmp_path, Effort(root=tmp_path / "trained", progress=False))
    assert records[0]["images"] == 8
    assert len(sections[0].blocks) == 2
    (table,) = figure.tables(records)
    assert table.text("MVAE", "training") == "2 of 2 steps, 8 images"
    waiting = figure.perform(tmp_path, Effort(minutes=0.0, root=tmp_path / "other", progress=False))
    assert waiting[0] == []
