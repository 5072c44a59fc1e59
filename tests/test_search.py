"""Search without gradients: what it finds where the answer is known, and what it may ask for."""

from dataclasses import replace

import pytest
import torch

from objrep_gym.search import CrossEntropy, Genetic

SEARCHES = {"genetic": Genetic(), "cross-entropy": CrossEntropy()}
every_search = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES.keys())


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bowl(target: torch.Tensor):
    """A fitness that is best at a target (P, D), its genes of very different weight."""
    weight = torch.logspace(0, 1, target.shape[1])
    return lambda genomes: -(weight * (genomes - target[:, None]) ** 2).sum(2)


@every_search
def test_the_bottom_of_a_bowl_is_found_in_every_problem(search):
    target = torch.randn(50, 10, generator=random(1))
    found = replace(search, generations=60)(bowl(target), 50, 10, random())
    assert (found.genome - target).abs().mean() < 0.05
    assert found.genome.shape == (50, 10)
    torch.testing.assert_close(found.fitness, bowl(target)(found.genome[:, None])[:, 0])


@every_search
def test_the_best_is_never_lost(search):
    target = torch.randn(20, 6, generator=random(1))
    asked: list[torch.Tensor] = []

    def watched(genomes: torch.Tensor) -> torch.Tensor:
        asked.append(bowl(target)(genomes))
        return asked[-1]

    found = search(watched, 20, 6, random())
    best = torch.stack([values.max(1).values for values in asked]).cummax(0).values
    torch.testing.assert_close(found.history, best)
    torch.testing.assert_close(found.fitness, best[-1])
    assert len(found.history) == search.generations + 1


@every_search
def test_what_has_no_fitness_never_wins(search):
    target = torch.randn(20, 6, generator=random(1))

    def holed(genomes: torch.Tensor) -> torch.Tensor:
        return torch.where(genomes[..., 0] > target[:, :1], torch.nan, bowl(target)(genomes))

    found = search(holed, 20, 6, random())
    assert torch.isfinite(found.fitness).all()
    assert (found.genome[:, 0] <= target[:, 0]).all()
    assert (found.history.diff(dim=0) >= 0).all()


@every_search
def test_one_batch_is_asked_for_in_a_generation(search):
    sizes = []

    def counted(genomes: torch.Tensor) -> torch.Tensor:
        sizes.append(genomes.shape)
        return -genomes.square().sum(2)

    search(counted, 3, 4, random())
    assert len(sizes) == search.generations + 1
    assert sizes[0] == (3, search.population, 4)


@every_search
def test_a_seed_is_a_search(search):
    target = torch.ones(4, 3)
    first, again, other = (search(bowl(target), 4, 3, random(seed)) for seed in (0, 0, 1))
    assert torch.equal(first.genome, again.genome)
    assert not torch.equal(first.genome, other.genome)


def test_mating_alone_neither_shrinks_nor_grows_a_population():
    parents = torch.randn(200, 60, 5, generator=random())
    plain = replace(Genetic(), mutation=0.0).children(parents, 400, random(1))
    assert (plain.var(1) / parents.var(1)).mean().item() == pytest.approx(1, abs=0.03)
    between = replace(Genetic(), mutation=0.0, alpha=0.0).children(parents, 50, random(1))
    assert (between <= parents.max(1, keepdim=True).values).all()
    assert (between >= parents.min(1, keepdim=True).values).all()


@pytest.mark.parametrize(
    ("search", "told"),
    [
        (Genetic(population=4), "two must mate"),
        (Genetic(elite=48), "fewer than there are"),
        (Genetic(elite=0), "some live on"),
        (CrossEntropy(population=5), "fitted to two or more"),
        (CrossEntropy(generations=-1), "generations -1"),
    ],
    ids=["too few to mate", "all live on", "none lives on", "too few to fit", "no generation"],
)
def test_what_cannot_search_is_refused(search, told):
    with pytest.raises(ValueError, match=told):
        search(lambda genomes: genomes.sum(2), 2, 3, random())
