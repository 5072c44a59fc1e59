"""Search without gradients for what a fitness likes best, such as a shift of latents: a genetic algorithm, and the
cross-entropy method. Many problems are searched side by side, and a whole population is asked for at once, so that a
decoder sees one batch a generation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

Fitness = Callable[[Float[Tensor, "P M D"]], Float[Tensor, "P M"]]
"""How good M genomes of D numbers are in each of P problems; more is better."""


@dataclass(frozen=True)
class Found:
    """The best genome of each problem that was ever asked for, its fitness, and the best fitness so far after each of G
    generations."""

    genome: Float[Tensor, "P D"]
    fitness: Float[Tensor, "P"]
    history: Float[Tensor, "G P"]


@runtime_checkable
class Search(Protocol):
    """A way to search; its fields are its numbers."""

    def __call__(self, fitness: Fitness, problems: int, size: int, random: torch.Generator) -> Found: ...


@dataclass(frozen=True)
class Genetic:
    """A genetic algorithm on real numbers. In each generation the fittest mate, two by two and as likely; each gene of a
    child is drawn around and between those of its parents (BLX-α, Eshelman & Schaffer 1993), some are mutated, and the
    very fittest live on. Raises ValueError on numbers that leave nobody to mate."""

    population: int = 48
    """Genomes at once, for each problem."""
    generations: int = 25
    """How often children are made."""
    parents: float = 0.25
    """Share of the population that mates."""
    elite: int = 2
    """Genomes that live on as they are."""
    alpha: float = 0.366
    """How far a child's gene may lie outside its parents', in distances between them. At (√3 − 1) / 2 a population neither
    shrinks nor grows by mating; selection does the rest."""
    mutation: float = 0.1
    """Share of genes that are drawn anew around their value, as far as the population is spread."""
    spread: float = 1.0
    """Standard deviation of the first population, around zero."""

    def __call__(self, fitness: Fitness, problems: int, size: int, random: torch.Generator) -> Found:
        """Search P problems for genomes of `size` numbers, on the device of `random`."""
        mating = round(self.parents * self.population)
        if mating < 2 or not 0 < self.elite < self.population or self.generations < 0:
            raise ValueError(
                f"population {self.population}, parents {self.parents:g}, elite {self.elite}, generations "
                f"{self.generations}: two must mate, and some live on, but fewer than there are"
            )
        genomes = self.spread * normal((problems, self.population, size), random)
        values, history = judged(fitness, genomes), []
        for _ in range(self.generations):
            order = values.argsort(1, descending=True)
            history.append(values.max(1).values)
            best = taken(genomes, order[:, :mating])
            children = self.children(best, self.population - self.elite, random)
            kept = order[:, : self.elite]
            genomes = torch.cat((best[:, : self.elite] if self.elite <= mating else taken(genomes, kept), children), 1)
            values = torch.cat((values.gather(1, kept), judged(fitness, children)), 1)
        return winner(genomes, values, [*history, values.max(1).values])

    def children(self, parents: Float[Tensor, "P m D"], count: int, random: torch.Generator) -> Float[Tensor, "P c D"]:
        """Mate and mutate: `count` children for each problem."""
        problems, mating, size = parents.shape
        pairs = torch.rand((2, problems, count), generator=random, device=random.device).mul(mating).long()
        one, other = (taken(parents, pair) for pair in pairs)
        low, reach = torch.minimum(one, other), (one - other).abs()
        shape = (problems, count, size)
        share = torch.rand(shape, generator=random, device=random.device) * (1 + 2 * self.alpha) - self.alpha
        mutated = torch.rand(shape, generator=random, device=random.device) < self.mutation
        noise = normal(shape, random) * parents.std(1, keepdim=True)
        return low + share * reach + mutated * noise


@dataclass(frozen=True)
class CrossEntropy:
    """The cross-entropy method (Rubinstein 1999; de Boer et al. 2005): a normal distribution, each gene for itself, is
    fitted to the fittest of what was drawn from it. Raises ValueError on numbers that leave nobody to fit it to."""

    population: int = 48
    """Genomes at once, for each problem."""
    generations: int = 25
    """How often the distribution is fitted."""
    elite: float = 0.2
    """Share of the population that it is fitted to."""
    smoothing: float = 0.8
    """Weight of the new fit against the one before."""
    spread: float = 1.0
    """Standard deviation at first, around zero."""

    def __call__(self, fitness: Fitness, problems: int, size: int, random: torch.Generator) -> Found:
        """Search P problems for genomes of `size` numbers, on the device of `random`."""
        count = round(self.elite * self.population)
        if count < 2 or self.generations < 0:
            raise ValueError(
                f"population {self.population}, elite {self.elite:g}, generations {self.generations}: a distribution is "
                "fitted to two or more"
            )
        mean = torch.zeros(problems, 1, size, device=random.device)
        deviation = torch.full_like(mean, self.spread)
        known: tuple[Tensor, Tensor] | None = None
        history: list[Tensor] = []
        for _ in range(self.generations + 1):
            genomes = mean + deviation * normal((problems, self.population, size), random)
            values = judged(fitness, genomes)
            chosen = taken(genomes, values.argsort(1, descending=True)[:, :count])
            mean = torch.lerp(mean, chosen.mean(1, keepdim=True), self.smoothing)
            deviation = torch.lerp(deviation, chosen.std(1, keepdim=True), self.smoothing)
            known = better(genomes, values, known)
            history.append(known[1])
        assert known is not None
        return Found(known[0], known[1], torch.stack(history))


def judged(fitness: Fitness, genomes: Float[Tensor, "P M D"]) -> Float[Tensor, "P M"]:
    """How good genomes are; one whose fitness is not a number is worse than all others."""
    return fitness(genomes).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)


def better(genomes: Tensor, values: Tensor, known: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
    """The best genome and its fitness, of these and of what was known."""
    found = winner(genomes, values, [values.max(1).values])
    if known is None:
        return found.genome, found.fitness
    improved = found.fitness > known[1]
    return torch.where(improved[:, None], found.genome, known[0]), torch.where(improved, found.fitness, known[1])


def winner(genomes: Float[Tensor, "P M D"], values: Float[Tensor, "P M"], history: list[Tensor]) -> Found:
    """The fittest of a population."""
    best = values.argmax(1, keepdim=True)
    return Found(taken(genomes, best)[:, 0], values.gather(1, best)[:, 0], torch.stack(history))


def taken(genomes: Float[Tensor, "P M D"], numbers: Int[Tensor, "P m"]) -> Float[Tensor, "P m D"]:
    """Genomes by their number in each problem."""
    return genomes.gather(1, numbers[..., None].expand(-1, -1, genomes.shape[2]))


def normal(shape: tuple[int, ...], random: torch.Generator) -> Tensor:
    """Standard normals on the device of `random`."""
    return torch.randn(shape, generator=random, device=random.device)
