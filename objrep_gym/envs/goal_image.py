"""ObjRep/GoalImage-v0: the hand must bring the room into the state that a picture of it shows.

A second picture shows the same room, under the same camera, with one thing elsewhere: the blue cube, which the hand must
push there, or, with moves="hand", the hand itself. Within 0.2 m of that place (0.15 m for the hand) the episode ends, with
success; after 100 steps it is cut off. In the picture of a cube elsewhere the hand stands where it began; how the cube is
turned does not count. What is pushed moves by MuJoCo's contact, as in `Push`, and other things can be pushed too; where the
hand is what moves, everything else stands fast, and a step that would lead into it is not taken. The goal is drawn once, as
an episode begins. A random hand succeeds in less than 1 of 100 episodes, and where it must only move itself in 13 (10 with
continuous control). OCRL (Yoon et al. 2023) has no such task; steps and floor are those of `Reach` and `Push`.

action   Discrete(4) or, with control="continuous", Box(2): one step of the hand.
sees     a Dict, as GoalEnv of gymnasium-robotics has it: "observation" and "goal", uint8 (H, W, 3); "achieved_goal" and
         "desired_goal", x and y in metres, float32 (2,) in [-3, 3]. info=("mask", "factors", "depth") puts what it names of
         the scene into info; the factors of the entity "goal" are the desired x and y and nothing else.
gets     reward="sparse": 1 for success, else 0; "dense": with it, less the metres that are missing; "step-cost": 0 for
         success, else -1, as gymnasium-robotics has it. All follow from the two places alone, so that hindsight can ask
         `env.unwrapped.compute_reward(achieved, desired, info)` for any number of them; `compute_terminated` and
         `compute_truncated` likewise. The dense reward of other tasks, what a step changed, would need the step before.
varies   by `moves`, "object" or "hand"; `tolerance`, in metres; and the keywords of `desk.py`. `objects` counts the cube;
         `things` are the others, or, where the hand is what moves, all.
ids      `GoalImage`, `GoalImageDense` and `GoalImageHand`, -v0.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from objrep_gym.envs.contact import Contact
from objrep_gym.envs.controls import Push, Span
from objrep_gym.envs.desk import CAMERAS, CONTROLS, HANDS, STEP, Desk
from objrep_gym.envs.goals import GHOST, Goal
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.obstacles import Blocked
from objrep_gym.envs.pushing import AREAS, CLEARANCE, CUBE, OTHER, ROUND, shrunk
from objrep_gym.scenes.heldout import things
from objrep_gym.scenes.room import HALF_WIDTH
from objrep_gym.scenes.variants import LIKE_THE_GOAL, SMALL
from objrep_gym.scenes.world import check_name

TOLERANCES = {"hand": 0.15, "object": 0.2}
"""Metres, by what is moved. A hand of steps of 0.2 m along two axes can come within 0.1414 m of any place; a thing that it
pushes slips aside a little."""


def game(moves: str = "object", reward: str = "sparse", tolerance: float | None = None, **keywords: Any) -> Game:
    """The parts of GoalImage; raises TypeError on a keyword that `Desk` does not have, ValueError on an unknown value."""
    check_name("moves", moves, TOLERANCES)
    desk, near = Desk.of(keywords), TOLERANCES[moves] if tolerance is None else tolerance
    task = partial(Goal, half_width=HALF_WIDTH, reward=reward, tolerance=near)
    return moving(desk, task) if moves == "hand" else pushing(desk, task)


def moving(desk: Desk, task: partial[Goal]) -> Game:
    """The hand is to be elsewhere, and goes around things."""
    hand, objects = HANDS[desk.hand], (things(desk.things, SMALL),) * desk.objects
    cast = {"objects": (*objects, hand, hand), "least": desk.objects + 2, "named": ("hand", GHOST)}
    variant = replace(CAMERAS[desk.camera], **cast)
    world = desk.room(variant)
    control = Blocked(CONTROLS[desk.control](world, Span(STEP, variant.arena)), world.about)
    return desk.play(world, control, task(world.about, thing="hand"))


def pushing(desk: Desk, task: partial[Goal]) -> Game:
    """The blue cube is to be elsewhere, where the hand must push it; in the picture the hand stands where it began."""
    area = AREAS[desk.camera]
    fence = shrunk(area, ROUND)
    others = (things(desk.things, OTHER, LIKE_THE_GOAL),) * (desk.objects - 1)
    cast = {"objects": (CUBE, *others, HANDS[desk.hand], CUBE), "least": desk.objects + 2, "named": ("hand", GHOST)}
    world = desk.room(replace(CAMERAS[desk.camera], **cast, arena=fence, clearance=CLEARANCE))
    contact = Contact(world.about, world.half_width, fence=fence)
    control = Push(CONTROLS[desk.control](world, Span(STEP, area)), contact)
    return desk.play(world, control, task(world.about, thing="object_0"))
