"""The whole thread in ten minutes: rooms are drawn, taken apart into slots, and acted upon; one page shows it.

What is heavy is imported where its turn comes, so that the first rooms are drawn at once.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from objrep_gym.experiments.rooms import SHOWN, held_out
from objrep_gym.scenes.view import View

if TYPE_CHECKING:
    from objrep_gym.experiments.agent import AgentRun
    from objrep_gym.figures.page import Section

PAGE = "index.html"
ENV = "ObjRep/Reach-v0"
JUDGED = 200  # scenes that the encoder is judged on
FILMED = 4  # episodes in the animation
SIDE = 288  # pixels of a panel of the animation


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration is made of."""

    encoder: str = "monet-lite@objects-room"
    """What takes pictures apart: a reference of weights, or `colour`."""
    steps: int = 100_000
    """Environment steps of learning, if the minutes suffice."""
    minutes: float = 6.0
    """Wall-clock minutes of learning at most."""
    seed: int = 0
    """Of scenes, weights and actions."""


def demonstrate(demo: Demonstration, out: Path | str) -> Path:
    """Draws, encodes, learns, evaluates, and writes the page; returns its path. Interrupted, it goes on where it was.

    Raises WeightsError at the beginning where there is no such encoder.
    """
    out, began = Path(out), time.monotonic()
    say(began, "1/5 drawing rooms")
    views = [held_out(variant, look, count, demo.seed) for variant, look, count in SHOWN]
    say(began, f"2/5 taking them apart with {demo.encoder}")
    rooms = apart(demo, views)
    say(began, f"3/5 learning to reach: PPO on slots, {demo.steps:,} steps or {demo.minutes:g} minutes")
    run, records = learned(demo, out / "agent")
    say(began, "4/5 filming")
    film = filmed(run, out / "agent")
    say(began, "5/5 writing the page")
    return written(demo, out, [succeeded(records), *rooms, grown(out / "agent", records), film], began)


def say(began: float, text: str) -> None:
    print(f"{timedelta(seconds=round(time.monotonic() - began))}  {text}", flush=True)


def apart(demo: Demonstration, views: Sequence[View]) -> list["Section"]:
    """The figure of rooms and their slots, and how well they are taken apart, beside k-means by colour."""
    from objrep_gym import weights
    from objrep_gym.data.watching import watching
    from objrep_gym.experiments.apart import taken_apart
    from objrep_gym.experiments.judge import Exam, as_table, evaluate
    from objrep_gym.figures.decomposition import decomposition
    from objrep_gym.figures.page import Picture, Section
    from objrep_gym.figures.style import both

    parts = taken_apart(weights.load(demo.encoder), views)
    picture = Picture(
        both(lambda: decomposition(parts)),
        "Rooms, their reconstruction, their segments, the truth, and each slot",
        "Rooms that the encoder has not seen: three of the published look, two whose objects share one colour, a plain "
        "one, two of the task. Each slot is drawn as what it decodes to, where its mask lies.",
    )
    told = (
        "One encoder without labels takes every picture apart. K-means by colour is what it has to be compared with: where "
        "each object has a colour of its own that goes a long way, and nowhere where all share one."
    )
    tables = []
    for variant in ("train", "identical-color"):
        exam = Exam(f"objects-room:variant={variant}", count=JUDGED, seed=demo.seed)
        with watching(f"judge {variant}", JUDGED) as show:
            tables.append(as_table(evaluate(demo.encoder, exam, lambda done, show=show: show(done, "rooms"))))
    return [Section("Rooms, taken apart", [told, picture, *tables])]


def learned(demo: Demonstration, folder: Path) -> tuple["AgentRun", list[dict[str, Any]]]:
    """The run and its records: the agent, a random hand, and one that knows where everything is."""
    from objrep_gym.experiments.agent import AGENT, RESULT, AgentRun, Keeping, begin, perform, privileged
    from objrep_gym.journal import NAME

    run = AgentRun(ENV, demo.encoder, steps=demo.steps, seed=demo.seed)
    begin(run, folder)  # refuses the folder of another run
    if (folder / RESULT).exists():  # finished: shown again from the beginning, not only its page
        for name in (RESULT, AGENT, NAME):
            (folder / name).unlink(missing_ok=True)
    records = perform(run, folder, Keeping(minutes=demo.minutes))
    return run, [*records, privileged(run)]


def succeeded(records: list[dict[str, Any]]) -> "Section":
    """The table of success, and its numbers in large."""
    from objrep_gym.experiments.agent import as_table
    from objrep_gym.figures.page import Figures, Section
    from objrep_gym.figures.tables import percent

    names = ("the agent, on slots", "a random hand", "a hand that knows everything")
    large = Figures([(percent(record["success"]), name) for record, name in zip(records, names, strict=True)])
    told = (
        "A hand on the floor of a room must touch the blue cube and none of the other objects. The agent sees nothing "
        "but slots: a set of vectors that a frozen encoder makes of each picture. "
        f"It learned from {records[0]['steps']:,} steps."
    )
    return Section("Success", [told, large, as_table(records)])


def grown(folder: Path, records: list[dict[str, Any]]) -> "Section":
    """The learning curve."""
    from objrep_gym.experiments.agent import learning_curve
    from objrep_gym.figures.page import Picture, Section
    from objrep_gym.figures.style import both

    caption = "Success over the last 300 episodes or so, with a 95 % band; the dashed line is the random hand's."
    picture = Picture(both(lambda: learning_curve(folder, records[:2])), "Success grows with steps", caption, width=760)
    return Section("Learning", [picture])


def filmed(run: "AgentRun", folder: Path) -> "Section":
    """The first episodes of the evaluation: what the camera sees, and the slots over it."""
    from objrep_gym.experiments.film import film
    from objrep_gym.figures.page import Picture, Section

    frames, outcomes = film(run, folder, FILMED, SIDE)
    told = ", ".join("reached" if outcome else "missed" for outcome in outcomes)
    caption = (
        "Left: the room, drawn large. Right: what the agent sees, 64 pixels wide, under the colours of its slots. "
        f"The first {FILMED} scenes of the evaluation, played once more, none left out: {told}."
    )
    return Section("Episodes", [Picture(frames, "A hand on its way to the blue cube", caption, width=2 * SIDE + 8)])


def written(demo: Demonstration, out: Path, sections: Sequence["Section"], began: float) -> Path:
    """The page, whole or not at all."""
    from objrep_gym.data import whole
    from objrep_gym.experiments.provenance import provenance, told
    from objrep_gym.figures.page import Code, Section, page

    took = str(timedelta(seconds=round(time.monotonic() - began)))
    facts = {"encoder": demo.encoder, "seed": str(demo.seed), "made in": took, **told(provenance())}
    command = f"objrep-gym demo --encoder {demo.encoder} --steps {demo.steps} --minutes {demo.minutes:g} --seed {demo.seed}"
    lead = "A scene is drawn, looked at, taken apart into slots, and acted upon: one command made everything on this page."
    again = Section("Again", [Code(f"{command} --out {out}")])
    return whole.write(out / PAGE, page("A hand that sees objects", lead, [*sections, again], facts))
