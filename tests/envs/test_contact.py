"""What a hand moves that walks into things."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from objrep_gym.envs.bodies import Bodies
from objrep_gym.envs.contact import HAND_MASS, SETTLING, SUBSTEP, SUBSTEPS, Contact, Prisms, describe
from objrep_gym.envs.controls import Move, Push, Span, Walk
from objrep_gym.scenes.shapes import SHAPES
from objrep_gym.scenes.things import KINDS
from tests.envs.flat import FACTORS, FlatRoom, flat_game, scene

RADIUS, STEP = 0.09, 0.1  # of spheres of size 0.1; metres
EAST, NORTH, WEST, SOUTH = range(4)
KIND_NAMES = [kind.name for kind in KINDS]


def push(room: FlatRoom, control: type[Walk] | type[Move] = Walk, **fence) -> Push:
    return Push(control(room, Span(STEP)), Contact(room.about, room.half_width, **fence))


def placed(distractors: int = 2, looks: dict[str, dict[str, float]] | None = None, **places) -> tuple[FlatRoom, np.ndarray]:
    game = flat_game(distractors=distractors)
    factors = scene(game, **places)
    for entity, changes in (looks or {}).items():
        for name, value in changes.items():
            factors[0, game.world.about.entities.index(entity), FACTORS.index(name)] = value
    return game.world, factors


def at(factors: np.ndarray, room: FlatRoom, *entities: str) -> np.ndarray:
    return Bodies(room.about, entities).places(factors)[0].astype(float)


def heading(factors: np.ndarray, room: FlatRoom, entity: str) -> float:
    return float(factors[0, room.about.entities.index(entity), FACTORS.index("heading")])


def gap(factors: np.ndarray, room: FlatRoom, one: str, other: str) -> float:
    """Metres between the circles of two spheres."""
    a, b = at(factors, room, one, other)
    return float(np.linalg.norm(a - b)) - 2 * RADIUS


@pytest.mark.parametrize(("action", "way"), [(EAST, (1, 0)), (NORTH, (0, 1)), (WEST, (-1, 0)), (SOUTH, (0, -1))])
def test_a_thing_goes_where_it_is_pushed(action, way):
    way = np.array(way, float)
    room, factors = placed(hand=(0, 0), object_0=tuple(0.2 * way))  # 2 cm between them
    push(room).apply(np.array([action]), factors)
    thing, hand = at(factors, room, "object_0", "hand")
    assert thing @ way == pytest.approx(0.28, abs=0.006)
    assert abs(thing @ way[::-1]) < 1e-6
    assert hand @ way == pytest.approx(0.1, abs=0.006)
    assert abs(gap(factors, room, "object_0", "hand")) < 1e-3


def test_where_nothing_is_met_nothing_moves_and_the_hand_walks_as_ever():
    room, factors = placed(hand=(0.013, 0), object_0=(0.31, 0), object_1=(0.1, 0.19), object_2=(0.48, 0))
    plain = factors.copy()
    Walk(room, Span(STEP)).apply(np.array([EAST]), plain)
    push(room).apply(np.array([EAST]), factors)
    np.testing.assert_array_equal(factors, plain)


def test_momentum_does_not_carry_over():
    room, factors = placed(hand=(0, 0), object_0=(0.2, 0))
    control = push(room)
    control.apply(np.array([EAST]), factors)
    before = at(factors, room, "object_0")
    for _ in range(3):
        control.apply(np.array([WEST]), factors)
    np.testing.assert_allclose(at(factors, room, "object_0"), before, atol=1e-4)


def test_two_in_a_row_both_move_and_so_do_three():
    room, factors = placed(hand=(-0.3, 0), object_0=(-0.11, 0), object_1=(0.08, 0), object_2=(0.27, 0))
    push(room).apply(np.array([EAST]), factors)
    moved = at(factors, room, "object_0", "object_1", "object_2", "hand")[:, 0] - (-0.11, 0.08, 0.27, -0.3)
    assert (moved[:3] > 0.05).all()
    assert 0.085 < moved[3] < 0.098  # the hand falls short of its step
    assert (np.diff(moved[:3]) < 0).all()  # gaps between them are closed one after the other


@pytest.mark.parametrize("fence", [{}, {"fence": (0.1, 0.0, 0.5, 0.4)}], ids=["wall", "fence"])
def test_a_wall_stops_a_thing_and_the_hand_behind_it(fence):
    edge = 0.6 if fence else 1 - RADIUS
    room, factors = placed(hand=(edge - 0.4, 0), object_0=(edge - 0.2, 0))
    control = push(room, **fence)
    for _ in range(8):
        control.apply(np.array([EAST]), factors)
    thing, hand = at(factors, room, "object_0", "hand")
    assert thing[0] == pytest.approx(edge, abs=1e-3)
    assert hand[0] == pytest.approx(edge - 2 * RADIUS, abs=2e-3)


def test_what_is_flat_or_absent_is_walked_over():
    room, factors = placed(looks={"object_0": {"shape": KIND_NAMES.index("pad")}}, hand=(0, 0), object_0=(0.1, 0))
    before = factors.copy()
    control = push(room)
    control.apply(np.array([EAST]), factors)
    assert at(factors, room, "hand")[0, 0] == pytest.approx(0.1)
    hand = room.about.entities.index("hand")
    np.testing.assert_array_equal(np.delete(factors, hand, axis=1), np.delete(before, hand, axis=1))


def test_a_thing_is_pushed_over_a_pad():
    looks = {"object_1": {"shape": KIND_NAMES.index("pad")}}
    room, factors = placed(looks=looks, hand=(0, 0), object_0=(0.2, 0), object_1=(0.3, 0))
    push(room).apply(np.array([EAST]), factors)
    assert at(factors, room, "object_0")[0, 0] == pytest.approx(0.28, abs=0.006)
    assert at(factors, room, "object_1")[0].tolist() == pytest.approx([0.3, 0])


def test_a_cube_that_is_pushed_off_centre_turns_and_a_sphere_does_not_when_pushed_at_its_middle():
    cube = {"object_0": {"shape": SHAPES.index("cube")}}
    turns = []
    for side in (0.04, 0.0, -0.04):
        room, factors = placed(looks=cube, hand=(-0.2, side), object_0=(0, 0))
        push(room).apply(np.array([EAST]), factors)
        turned = heading(factors, room, "object_0")
        turns.append((turned + np.pi) % (2 * np.pi) - np.pi)
    assert turns[0] < -0.01 < 0.01 < turns[2]
    assert turns[1] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("turned", [0.0, np.pi / 2])
def test_a_frame_is_as_wide_as_it_is_drawn(turned):
    """0.173 across its base, and 0.048 through it."""
    looks = {"object_0": {"shape": SHAPES.index("frame"), "heading": turned}}
    half = 0.0866 if turned == 0 else 0.024
    room, factors = placed(looks=looks, hand=(0, 0), object_0=(RADIUS + half + 0.02, 0))
    push(room).apply(np.array([EAST]), factors)
    assert at(factors, room, "object_0")[0, 0] == pytest.approx(0.1 + RADIUS + half, abs=0.006)


def crowd(count: int, seed: int = 0) -> tuple[FlatRoom, np.ndarray]:
    """Scenes of six things of any solid in a narrow room."""
    room, rng = FlatRoom(distractors=5), np.random.default_rng(seed)
    factors = room.sample(rng, count)
    there = ~np.isnan(factors[:, 1:, FACTORS.index("x")])
    for name, values in (("size", 0.16), ("shape", rng.integers(0, len(SHAPES), there.shape))):
        factors[:, 1:, FACTORS.index(name)] = np.where(there, values, np.nan)
    factors[:, -1, FACTORS.index("shape")] = SHAPES.index("sphere")
    bodies = Bodies(room.about, room.about.entities[1:])
    edge = 1 - bodies.radii(factors)[..., None]
    bodies.put(factors, np.clip(bodies.places(factors), -edge, edge))
    return room, factors


def deepest(contact: Contact, factors: np.ndarray) -> float:
    """How deep any two things overlap, in metres."""
    import mujoco

    depths = [0.0]
    for row in factors:
        prisms = Prisms(*(part[0] for part in contact.prisms(row[None])))
        model, data = contact.furnish(row, contact.hand.places(row[None])[0, 0], prisms)
        mujoco.mj_forward(model, data)
        depths += [-touch.dist for touch in data.contact]
    return max(depths)


def wait(contact: Contact, factors: np.ndarray) -> None:
    """The hand stays where it is, and things that overlap come apart."""
    for row in factors:
        prisms = Prisms(*(part[0] for part in contact.prisms(row[None])))
        contact.simulate(row, contact.hand.places(row[None])[0, 0], prisms)


def test_things_in_a_crowd_hardly_overlap_and_stay_between_the_walls():
    room, factors = crowd(40)
    control, rng = push(room), np.random.default_rng(1)
    assert deepest(control.contact, factors) > 0.1  # they were put down anyhow
    wait(control.contact, factors)
    assert deepest(control.contact, factors) < 1e-3
    before = factors.copy()
    for step in range(40):
        control.apply(np.full(40, rng.integers(4)) if step % 4 else rng.integers(0, 4, 40), factors)
        assert deepest(control.contact, factors) < 5e-3
    moved = (before != factors)[:, 1:-1].any(axis=(1, 2)).mean()
    assert moved > 0.7
    bodies = Bodies(room.about, room.about.entities[1:])
    assert np.nanmax(np.abs(bodies.places(factors)) - 1 + bodies.radii(factors)[..., None]) < 5e-3


def test_rows_do_not_know_each_other_nor_the_past():
    room, factors = crowd(30)
    used, rng = push(room, Move), np.random.default_rng(2)
    for _ in range(10):
        actions = rng.uniform(-1, 1, (30, 2)).astype(np.float32)
        fresh, alone = factors.copy(), factors.copy()
        used.apply(actions, factors)
        pickle.loads(pickle.dumps(used)).apply(actions, fresh)
        for i in reversed(range(30)):
            used.apply(actions[i : i + 1], alone[i : i + 1])
        np.testing.assert_array_equal(fresh, factors)
        np.testing.assert_array_equal(alone, factors)


def test_every_process_finds_the_same():
    code = (
        "import numpy as np; from tests.envs.test_contact import crowd, push; from objrep_gym.envs.controls import Move;"
        "room, factors = crowd(20); control = push(room, Move); rng = np.random.default_rng(3);"
        "[control.apply(rng.uniform(-1, 1, (20, 2)), factors) for _ in range(5)]; print(factors.tobytes().hex())"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    room, factors = crowd(20)
    control, rng = push(room, Move), np.random.default_rng(3)
    before = factors.copy()
    for _ in range(5):
        control.apply(rng.uniform(-1, 1, (20, 2)), factors)
    assert factors.tobytes().hex() == runs[0].stdout.strip()
    assert not np.array_equal(np.nan_to_num(factors[:, 1:-1]), np.nan_to_num(before[:, 1:-1]))


def test_a_model_written_into_is_like_one_compiled_for_the_scene():
    """The collision tables of MuJoCo hold more than what is written; here it compiles the same prisms anew."""
    import mujoco

    room, factors = crowd(25, seed=5)
    control = push(room)
    for row in factors:
        prisms = Prisms(*(part[0] for part in control.contact.prisms(row[None])))
        start = at(row[None], room, "hand")[0]
        scene = row.copy()
        scene[room.about.entities.index("hand"), FACTORS.index("x")] += 0.3
        spec = build_spec(prisms)
        model = spec.compile()
        data = mujoco.MjData(model)
        data.qpos[:2] = start
        there, places = prisms.there[1:], Bodies(room.about, control.contact.things.entities)
        stand = np.column_stack([places.places(row[None])[0], row[1:-1, FACTORS.index("heading")]])
        data.qpos[2:].reshape(-1, 3)[there] = stand[there]
        gone = float(scene[-1, FACTORS.index("x")]) - start[0]
        data.qfrc_applied[0] = gone / (SUBSTEPS * SUBSTEP) * HAND_MASS / SUBSTEP
        mujoco.mj_step(model, data, SUBSTEPS)
        data.qfrc_applied[0] = 0
        mujoco.mj_step(model, data, SETTLING)
        control.contact.simulate(scene, start, prisms)
        found = places.places(scene[None])[0][there]
        np.testing.assert_allclose(found, data.qpos[2:].reshape(-1, 3)[there, :2], atol=1e-6)


def build_spec(prisms):
    """MuJoCo's description of a hand and these things."""
    import mujoco

    spec = describe(len(prisms.there) - 1)
    for k, geom in enumerate(spec.geoms):
        geom.type = mujoco.mjtGeom.mjGEOM_SPHERE if prisms.round[k] else mujoco.mjtGeom.mjGEOM_BOX
        geom.size = prisms.halves[k]
        geom.contype = geom.conaffinity = int(prisms.there[k])
    for k, (x, y) in enumerate(prisms.spans):
        spec.joints[2 + 3 * k].range, spec.joints[3 + 3 * k].range = x, y
    return spec


def test_a_world_without_a_hand():
    with pytest.raises(ValueError, match="no entity 'foot'"):
        Contact(FlatRoom().about, 1.0, hand="foot")
