"""Visual analogies solved in a model's latent space: a shift d is looked for that makes the second board of every worked
pair of the first, and added to the code of the query (Swain & Mahajan 2022, §3.2).

Searches know the worked pairs alone: the fitness of d is minus the mean squared error of Dec(μ(before) + d) against
after. The answer is the option nearest to Dec(μ(query) + d), by squared error. The document's own words are another
fitness, how near Dec(μ(query) + d) comes to any of the options; that knows of no pair.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.board_analogies import OPTIONS, Analogies, drawn
from objrep_gym.scenes.boards import Boards
from objrep_gym.search import CrossEntropy, Fitness, Genetic, Search
from objrep_gym.training import Precision, layout
from objrep_gym.types import to_image
from objrep_gym.wrappers.encoder import fitted

CHANCE = 1 / OPTIONS
DECODED = 256  # pictures of a generation decoded at once, on a core as fast as any: so many problems go side by side
GENETIC, CROSS_ENTROPY, ARITHMETIC = "genetic search", "cross-entropy method", "latent arithmetic"
NEAREST_CODE, ANY_OPTION, UNCHANGED = "latent arithmetic, nearest code", "genetic search for any option", "no shift"


@dataclass(frozen=True)
class Searches:
    """The two searches, with their numbers."""

    genetic: Genetic = field(default_factory=Genetic)
    entropy: CrossEntropy = field(default_factory=CrossEntropy)


@dataclass(frozen=True)
class Boarded:
    """P problems as a model sees them: codes of boards, and the pictures that its own are compared with."""

    before: Float[Tensor, "P W D"]
    after: Float[Tensor, "P W D"]
    query: Float[Tensor, "P D"]
    options: Float[Tensor, "P O D"]
    made: Float[Tensor, "P W C H V"]
    """Pictures of the second boards of worked pairs."""
    offered: Float[Tensor, "P O C H V"]
    """Pictures of the options."""


@dataclass(frozen=True)
class Solved:
    """What one method answers, (P,), and the shift that it adds, (P, D)."""

    answers: Int[Tensor, "P"]
    shift: Float[Tensor, "P D"]


@torch.no_grad()
def solve(
    model: SlotModule,
    problems: Analogies,
    searches: Searches,
    seed: int = 0,
    watch: Callable[[int], None] | None = None,
    precision: Precision = "bf16",
) -> dict[str, Solved]:
    """What every method answers, by its name. `watch` is told how many problems are done; bf16 decodes in half the bits,
    which takes less time."""
    world, model = Boards(model.size[1:]), model.to(memory_format=layout(model))  # type: ignore[call-overload]
    largest = max(searches.genetic.population, searches.entropy.population) * problems.before.shape[1]
    step = max(1, DECODED // largest)
    random = torch.Generator(model.device).manual_seed(seed)
    parts: list[dict[str, Solved]] = []
    for start in range(0, len(problems), step):
        some = part(problems, slice(start, start + step))
        seen = boarded(model, world, some)
        with torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"):
            parts.append(answered(model, seen, searches, random))
        if watch is not None:
            watch(min(start + step, len(problems)))
    return {
        name: Solved(torch.cat([p[name].answers for p in parts]), torch.cat([p[name].shift for p in parts]))
        for name in parts[0]
    }


def part(problems: Analogies, rows: slice) -> Analogies:
    """Some of the problems."""
    fields = (problems.before, problems.after, problems.query, problems.options, problems.answer, problems.changed)
    return Analogies(*(field[rows] for field in fields))


def boarded(model: SlotModule, world: Boards, problems: Analogies) -> Boarded:
    """Draws the boards of problems and encodes them."""

    def pictures(factors: np.ndarray) -> Tensor:
        pixels = torch.from_numpy(drawn(world, factors))
        image = fitted(to_image(pixels.flatten(0, -4)), model.size).to(model.device)
        return image.unflatten(0, factors.shape[:-2])

    def codes(images: Tensor) -> Tensor:
        found = model.encode(images.flatten(0, -4)).latents[:, 0]
        return found.unflatten(0, images.shape[:-3])

    before, after, query, options = map(pictures, (problems.before, problems.after, problems.query, problems.options))
    return Boarded(codes(before), codes(after), codes(query), codes(options), innermost(after), innermost(options))


def innermost(images: Float[Tensor, "*N C H V"]) -> Float[Tensor, "*N C H V"]:
    """The same numbers, laid out as decoded pictures are: to compare two layouts costs as much as to decode."""
    return images.movedim(-3, -1).contiguous().movedim(-1, -3)


def answered(model: SlotModule, seen: Boarded, searches: Searches, random: torch.Generator) -> dict[str, Solved]:
    """What every method answers to some problems."""
    count, size = seen.query.shape
    pairs, any_option = pair_fitness(model, seen), option_fitness(model, seen)

    def found(search: Search, fitness: Fitness) -> Tensor:
        return search(fitness, count, size, random).genome

    difference = (seen.after - seen.before).mean(1)
    shifts = {
        GENETIC: found(searches.genetic, pairs),
        CROSS_ENTROPY: found(searches.entropy, pairs),
        ARITHMETIC: difference,
        ANY_OPTION: found(searches.genetic, any_option),
        UNCHANGED: torch.zeros_like(difference),
    }
    solved = {name: Solved(nearest(model, seen, shift), shift) for name, shift in shifts.items()}
    apart = (seen.options - (seen.query + difference)[:, None]).square().sum(2)
    return {**solved, NEAREST_CODE: Solved(apart.argmin(1), difference)}


def pair_fitness(model: SlotModule, seen: Boarded) -> Fitness:
    """Minus the mean squared error of all worked pairs."""

    def fitness(genomes: Float[Tensor, "P M D"]) -> Float[Tensor, "P M"]:
        latents = seen.before[:, None] + genomes[:, :, None]  # (P, M, W, D)
        return -errors(model, latents, seen.made[:, None]).mean(2)

    return fitness


def option_fitness(model: SlotModule, seen: Boarded) -> Fitness:
    """Minus the squared error of the option that comes nearest."""

    def fitness(genomes: Float[Tensor, "P M D"]) -> Float[Tensor, "P M"]:
        images = decoded(model, seen.query[:, None] + genomes)
        return -torch.stack([apart(images, option[:, None]) for option in seen.offered.unbind(1)]).min(0).values

    return fitness


def nearest(model: SlotModule, seen: Boarded, shift: Float[Tensor, "P D"]) -> Int[Tensor, "P"]:
    """The option nearest to the query's code with a shift, decoded."""
    return apart(decoded(model, seen.query + shift)[:, None], seen.offered).argmin(1)


def errors(model: SlotModule, latents: Float[Tensor, "*N D"], images: Float[Tensor, "*M C H V"]) -> Float[Tensor, "*N"]:
    """Mean squared errors of what latents decode to."""
    return apart(decoded(model, latents), images)


def decoded(model: SlotModule, latents: Float[Tensor, "*N D"]) -> Float[Tensor, "*N C H V"]:
    """Pictures of codes, all in one batch."""
    images = model.decode(latents.reshape(-1, 1, latents.shape[-1])).image
    return images.unflatten(0, latents.shape[:-1])


def apart(one: Tensor, other: Tensor) -> Tensor:
    """Mean squared error of pictures."""
    return (one - other).square().mean((-3, -2, -1))


def right(solved: Mapping[str, Solved], problems: Analogies) -> dict[str, Bool[np.ndarray, "P"]]:
    """Which answers of each method are right."""
    return {name: one.answers.cpu().numpy() == problems.answer for name, one in solved.items()}
