"""ObjRep/Analogy-v0: A is to B as C is to which? The hand must touch the object that completes the analogy.

Three cues stand across the room from the camera, out of the hand's reach and 1.6 times as large as objects, to be read
from left to right: A and B, then C, and an empty place. A and B differ in their colour, their shape, their size, or in
two of these; C looks like A in what changes, and differs from it in something else. The answer is C with what changed,
as B has it: if a red cube becomes a blue one, a red sphere becomes a blue sphere. Everything is drawn anew in each
episode.

Of the four objects one is the answer; one differs from it in one property, one in another, and one in both, always by
what a cue has or by one value that none has. So options are even among themselves: none is odd, none typical. Touching
the one that is most like B, or most like C, or least like A, is right in a third of all episodes; the one most like B
and C together in 42 of 100; whoever takes it for granted which property changes is right in 44.

Touching the answer gives 1 and ends the episode, with success; touching another object gives 0 and ends it; after 100
steps it is cut off. A random hand succeeds in 24 episodes of 100 (21 with continuous control). OCRL (Yoon et al. 2023)
has no such task; rewards and steps are those of `Reach`, the floor is a little smaller, as cues need room. The
analogies of the document `factor_vae_nar` (after Sonwane et al. 2021) are of another kind: there a hidden program moves
symbols about a board, and is to be guessed from boards before and after it. What both ask for is that what a picture
shows be taken apart into factors, for a change of one factor to be seen as such and made elsewhere.

action   Discrete(4) or, with control="continuous", Box(2): one step of the hand.
sees     uint8 (H, W, 3), the cues at the top; info=("mask", "factors", "depth") puts what it names into info, the cues as
         `cue_a`, `cue_b` and `cue_c`. Sizes are 0.22 m and 0.34 m; hues that differ are at least 0.12 of the circle apart;
         sphere and icosahedron are hard to tell apart in 64 pixels.
varies   by the keywords of `desk.py`, but `objects` are always 4; held-out `things` are held out of the cues, too.
ids      `Analogy` and `AnalogyDense`, -v0.
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
    desk = Desk.of(keywords)
    if desk.objects != OPTIONS:
        raise ValueError(
            f"objects={desk.objects}: an analogy has {OPTIONS}, as any other number would give the answer away"
        )
    thing = things(desk.things, IN_TWO_SIZES)
    options = (thing, Altered(thing, of=(0,), family=1), Altered(thing, of=(0,), family=2), Both())
    drawn = {"cue_a": CueA(thing), "cue_b": CueB(), "cue_c": CueC()}
    cues = {name: Cue(one, RADIUS, angle) for (name, one), angle in zip(drawn.items(), ANGLES, strict=True)}
    return desk.game(options, partial(TouchAnswer, cues=tuple(cues), larger=LARGER), cues, arenas=ARENAS)
