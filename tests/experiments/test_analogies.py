"""Analogies solved by a shift of codes: all of them where the world is linear, and by chance where nothing is known."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from objrep_gym.experiments import solving
from objrep_gym.experiments.analogy_table import AnalogyTable, against, compared, scores
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.solving import (
    ANY_OPTION,
    ARITHMETIC,
    CROSS_ENTROPY,
    GENETIC,
    NEAREST_CODE,
    UNCHANGED,
    Boarded,
    Searches,
    answered,
    boarded,
    part,
    solve,
)
from objrep_gym.experiments.trained import Effort
from objrep_gym.models.base import SlotModule
from objrep_gym.models.factor_vae import FactorVAEConfig
from objrep_gym.scenes.board_analogies import analogies
from objrep_gym.scenes.boards import Boards
from objrep_gym.training import Stage
from objrep_gym.types import Decoded, Slots

LATENT, PIXELS = 6, 12


@dataclass(frozen=True)
class LinearConfig:
    """A world whose pictures are a linear map of six numbers, and a model that knows the map."""

    def build(self) -> "Linear":
        return Linear(self)

    def tiny(self) -> "LinearConfig":
        return self


class Linear(SlotModule):
    has_masks = False

    def __init__(self, config: LinearConfig):
        super().__init__(config, (3, PIXELS, PIXELS), 1, LATENT)
        shape = (LATENT, 3 * PIXELS**2)
        self.register_buffer("map", torch.randn(shape, generator=torch.Generator().manual_seed(5)) / 10)

    def encode(self, image: torch.Tensor) -> Slots:
        latents = torch.linalg.lstsq(self.map.T, image.flatten(1).T).solution.T[:, None]
        return Slots(latents, torch.zeros_like(latents[..., 0]))

    def decode(self, latents: torch.Tensor) -> Decoded:
        return Decoded((latents[:, 0] @ self.map).unflatten(1, self.size))


def planted(problems: int, seed: int = 0) -> tuple[Linear, Boarded, torch.Tensor]:
    """Problems of the linear world, as their model sees them, and their answers."""
    random, model = torch.Generator().manual_seed(seed), Linear(LinearConfig())
    codes = torch.randn(problems, 3, LATENT, generator=random)
    query, shift = torch.randn(2, problems, LATENT, generator=random)
    options = (query + shift)[:, None] + 0.7 * torch.randn(problems, 4, LATENT, generator=random)
    answer = torch.randint(4, (problems,), generator=random)
    options[torch.arange(problems), answer] = query + shift
    after = codes + shift[:, None]
    pictures = [solving.decoded(model, latents) for latents in (after, options)]
    return model, Boarded(codes, after, query, options, *pictures), answer


def test_a_planted_linear_world_is_solved_to_the_last_problem():
    model, seen, answer = planted(40)
    found = answered(model, seen, Searches(), torch.Generator().manual_seed(0))
    for method in (GENETIC, CROSS_ENTROPY, ARITHMETIC, NEAREST_CODE):
        assert (found[method].answers == answer).all(), method
    assert (found[ANY_OPTION].answers == answer).float().mean() < 0.6, "which option comes near says nothing of the pairs"
    assert (found[UNCHANGED].answers == answer).float().mean() < 0.6
    assert (found[GENETIC].shift - found[ARITHMETIC].shift).abs().mean() < 0.1


def test_fitness_is_the_error_of_worked_pairs_by_hand():
    model, seen, _ = planted(3)
    genomes = torch.randn(3, 5, LATENT)
    fitness = solving.pair_fitness(model, seen)(genomes)
    by_hand = [
        -np.mean([(model.decode((seen.before[p, w] + genomes[p, m])[None, None]).image[0] - seen.made[p, w]).square().mean()
                  for w in range(3)])
        for p in range(3)
        for m in range(5)
    ]  # fmt: skip
    np.testing.assert_allclose(fitness.flatten().numpy(), by_hand, rtol=1e-5)
    any_option = solving.option_fitness(model, seen)(genomes)
    one = model.decode((seen.query[1] + genomes[1, 2])[None, None]).image[0]
    assert any_option[1, 2].item() == pytest.approx(
        -min((one - o).square().mean().item() for o in seen.offered[1]), rel=1e-5
    )


def tiny(**numbers: int) -> Searches:
    chosen = Searches()
    return Searches(replace(chosen.genetic, **numbers), replace(chosen.entropy, **numbers))


def test_problems_are_solved_alike_in_whatever_batch(monkeypatch):
    torch.manual_seed(0)
    model = FactorVAEConfig(channels=3).tiny().build().eval()
    asked = analogies(np.random.default_rng(0), 6)
    done = []
    monkeypatch.setattr(solving, "DECODED", 1_000_000)
    whole = solve(model, asked, tiny(generations=2), watch=done.append)
    monkeypatch.setattr(solving, "DECODED", 1)
    single = solve(model, asked, tiny(generations=2), watch=done.append)
    assert done == [6, 1, 2, 3, 4, 5, 6]
    for method in (ARITHMETIC, NEAREST_CODE, UNCHANGED):
        assert torch.equal(whole[method].answers, single[method].answers)
    assert whole[GENETIC].shift.shape == (6, 6)


def test_what_a_model_sees_is_the_problem():
    torch.manual_seed(0)
    model = FactorVAEConfig(channels=3).tiny().build().eval()
    asked = analogies(np.random.default_rng(0), 4, pairs=2)
    with torch.no_grad():
        seen, some = (boarded(model, Boards((32, 32)), one) for one in (asked, part(asked, slice(1, 3))))
        torch.testing.assert_close(seen.query[1:3], some.query)
        torch.testing.assert_close(seen.made[1:3], some.made)
        again = model.encode(seen.offered[2]).latents[:, 0]
    torch.testing.assert_close(seen.options[2], again)
    assert seen.made.shape == (4, 2, 3, 32, 32)


def test_scores_tell_chance_and_what_changes():
    changed = np.array([[1, 0, 0]] * 40 + [[0, 0, 1]] * 40 + [[1, 1, 0]] * 20, bool)
    hits = np.arange(100) % 4 == 0
    found = scores(hits, changed)
    assert (found["right"], found["problems"]) == (25, 100)
    assert found["by"] == {"symbol": [10, 40], "scale": [0, 0], "place": [10, 40], "two": [5, 20]}
    assert 0.4 < found["p"] < 0.6
    assert scores(np.arange(100) < 50, changed)["p"] < 1e-6
    assert compared(hits, np.arange(100) < 50) == {"better": 12, "worse": 37}


def test_the_sign_test_is_two_sided():
    record = {"method": GENETIC, "better": 3, "worse": 1}
    assert "p = 0.62)" in against([record])[0]
    assert against([{**record, "better": 0, "worse": 0}]) == []


def test_a_table_has_a_row_for_every_method_and_chance(tmp_path):
    run = Run(FactorVAEConfig(channels=3), ("analogies",), (Stage(400),), batch=64)
    table = AnalogyTable("Analogies", {"model": run}, problems=2000).scaled(0.005)
    records, (section,) = table.perform(tmp_path, Effort(root=tmp_path, progress=False))
    assert [record["method"] for record in records] == [
        GENETIC,
        CROSS_ENTROPY,
        ARITHMETIC,
        ANY_OPTION,
        UNCHANGED,
        NEAREST_CODE,
    ]
    (made,) = table.tables(records)
    assert list(made.rows)[-1] == "chance"
    assert made.rows["chance"]["right"] == 0.25
    assert any("Against latent arithmetic" in note or record["better"] + record["worse"] == 0
               for record in records[:1] for note in made.notes)  # fmt: skip
    assert len(section.blocks) == 2
