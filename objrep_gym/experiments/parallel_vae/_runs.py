"""The trainings that figures and tables of this document share."""

from dataclasses import replace
from typing import Any

from objrep_gym.experiments.kinds import Run, Start
from objrep_gym.experiments.schedules import apart, everything, individual, tandem, together
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

PRESETS: dict[str, Any] = dict(MODELS)


def on(name: str, members: int) -> tuple[str, ...]:
    """Source k has the kinds 0 to k. Where there is but one, empty digits come twice as often: with a quarter of empty
    scenes, one costs a nat and a half at least, log 4."""
    return (f"{name}:digits=0,empties=2", *(f"{name}:digits={'0123456789'[: k + 1]}" for k in range(1, members)))


def tables(look: str) -> tuple[str, str]:
    """Tables of cylinders, and of cylinders and spheres."""
    variants = ("cylinders-only", "cylinders-and-spheres")
    first, second = (f"tabletop:variant={variant},look={look},engine=raycast" for variant in variants)
    return first, second


def run(model: Any, data: tuple[str, ...], stages: tuple[Stage, ...]) -> Run:
    return Run(model, data, stages, batch=32, precision="bf16", save=500)


DIGITS = {count: {str(digit): digit for digit in range(count)} for count in (2, 3, 4, 5)}
TWO = run(PRESETS["parallel-vae"], on("digit-pairs", 2), individual(2, 2500))
TWO_TOGETHER = run(PRESETS["parallel-vae"], on("digit-pairs", 2), together(2, 2500, 1500))
FIVE = run(PRESETS["parallel-vae-5"], on("digit-pairs", 5), individual(5, 2500))
FOUR = run(PRESETS["parallel-vae-4"], on("digit-pairs", 4), together(4, 2500, 1500))
FIRM = replace(
    run(replace(PRESETS["parallel-vae-4"], beta=1.0), FOUR.data[3:], (Stage(4000, 5e-4, schedule="cosine"),)),
    start=Start(FOUR),
)
FASHION = run(PRESETS["parallel-vae-4"], on("fashion-pairs", 4), together(4, 2500, 1500))

CYLINDER, SOLIDS = {"cylinder": 1}, {"cylinder": 1, "sphere": 2}
COLOURED, GREY = tables("published"), tables("grey")
BROADCAST, BROADCAST_GREY = (replace(PRESETS[f"parallel-vae-sbd{look}"], coarse=2) for look in ("", "-grey"))
ONE = run(replace(PRESETS["parallel-vae-tables"], vaes=1), COLOURED[:1], individual(1, 4000))
ONE_BROADCAST = run(replace(BROADCAST, vaes=1), COLOURED[:1], individual(1, 4000))
ONE_GREY = run(replace(BROADCAST_GREY, vaes=1), GREY[:1], individual(1, 4000))
MAP = PRESETS["parallel-vae-map"]
VECTOR = replace(MAP, cells=0, latent=128, hidden=256)
OWN = (GREY[0], GREY[0].replace("cylinders", "spheres"))
LEARNED = apart(2, steps=2500)
SPLITTING = {
    "ours": run(MAP, OWN, apart(2, steps=6000)),
    "fewer steps": run(MAP, OWN, LEARNED),
    "half the width": run(replace(MAP, widths=(16, 32, 32)), OWN, LEARNED),
    "one vector": run(VECTOR, OWN, LEARNED),
    "one vector, broadcast": run(replace(VECTOR, decoder="broadcast", coarse=2), OWN, LEARNED),
    "the document's members": run(replace(BROADCAST_GREY, beta=MAP.beta, gamma=MAP.gamma, claim=MAP.claim), OWN, LEARNED),
    "the document's price of a nat": run(replace(MAP, beta=0.5), OWN, LEARNED),
    "the document's price of confidence": run(replace(MAP, gamma=0.009), OWN, LEARNED),
    "no normalisation": run(replace(MAP, normalise=False), OWN, LEARNED),
    "scenes not cut": run(replace(MAP, cut=False), OWN, LEARNED),
    "no claims": run(replace(MAP, claim=0.0), OWN, LEARNED),
    "no claims, in turns": run(replace(MAP, claim=0.0), OWN, tandem(2, rounds=4, steps=625)),
    "no claims, in long turns": run(replace(MAP, claim=0.0), OWN, tandem(2, rounds=1, steps=2500)),
    "the second learns on both kinds": run(replace(MAP, claim=0.0), GREY, together(2, 1000, 1500)),
}
PRICED = PRESETS["parallel-vae-priced"]
UNSUPERVISED = {
    name: run(model, on("digit-pairs", 2)[1:], everything(2, 5000))
    for name, model in {
        "priced": PRICED,
        "a threshold of 12 nats": replace(PRICED, threshold=12.0),
        "a gentle price": replace(PRICED, steepness=1.0),
        "no price": replace(PRICED, threshold=1e9),
        "no price, and not quiet at first": replace(PRICED, threshold=0.0),
    }.items()
}
TANDEM = run(BROADCAST_GREY, GREY, tandem(2, rounds=4, steps=500))

NOTES = (
    "The document says neither how long it trained, nor its batch, nor how often the empty digit came; here 32 scenes a "
    "step, and the empty digit as often as each other, twice as often in the first stage. Squares and entropies are summed "
    "over pixels.",
    "Beyond the document: rates end at nothing, at 5e-4 (its own: 1e-4) where members learn together; a member's nats cost "
    "a fiftieth of their price for its first 1,000 steps, and one that has not begun takes no part.",
    "Stage k has the digits 0 to k, as in §4.1; in §3.1.1 it has digit k alone.",
)
TABLE_NOTES = (
    "The document cropped and scaled pictures of CLEVR; these are tables of our own. Its spatial broadcast decoder drew at "
    "full resolution; here at half of it, enlarged, which takes a quarter of the time.",
)
