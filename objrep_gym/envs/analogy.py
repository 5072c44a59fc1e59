"""ObjRep/Analogy-v0: A is to B as C is to which of the objects?
"""

from functools import partial
from typing import Any

from objrep_gym.envs.desk import Arena, Cue, Desk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.tasks import TouchAnswer
from objrep_gym.scenes.analogy import LARGER, OPTIONS, Altered, Both, CueA, CueB, CueC
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.variants import IN_TWO_SIZES

RADIUS, ANGLES = 2.35, (-0.8, -0.3, 0.3)  # a place to the right of C stays empty
NEARER: Arena = (0.0, -0.15, 1.35, 1.05)
ARENAS: dict[str, Arena] = {"fixed": NEARER, "low": NEARER, "ring": (0.0, 0.0, 1.1, 1.1)}


def game(**keywords: Any) -> Game:
    """The parts of Analogy; raises TypeError on a keyword that `Desk` does not have, ValueError on an unknown value and on
    another number of objects than four."""
    desk = Desk(**keywords)
    if desk.objects != OPTIONS:
        raise ValueError(f"objects={desk.objects}: an analogy has {OPTIONS}, as any other number would give the answer away")
    thing = things(desk.things, IN_TWO_SIZES)
    options = (thing, Altered(thing, of=(0,), family=1), Altered(thing, of=(0,), family=2), Both())
    drawn = {"cue_a": CueA(thing), "cue_b": CueB(), "cue_c": CueC()}
    cues = {name: Cue(one, RADIUS, angle) for (name, one), angle in zip(drawn.items(), ANGLES, strict=True)}
    return desk.game(options, partial(TouchAnswer, cues=tuple(cues), larger=LARGER), cues, arenas=ARENAS)
