"""An encoder that learns while its agent does: which version is seen when, and that a run goes on."""

import json
import math
from dataclasses import replace
from typing import NamedTuple

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorWrapper
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize

from objrep_gym import weights
from objrep_gym.agents.algorithms import PPOConfig
from objrep_gym.agents.extractors import Scale
from objrep_gym.agents.learn import learn
from objrep_gym.agents.online import OnlineConfig, OnlineEncoder
from objrep_gym.journal import Journal, read
from objrep_gym.models import MODELS
from objrep_gym.training import Stage
from objrep_gym.wrappers.encoder import Encoder
from objrep_gym.wrappers.normalise import VectorNormaliseSlots
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.shuffle import VectorShuffleSlots
from objrep_gym.wrappers.slots import VectorSlotObservation
from tests.agents.brightness import StampConfig, brightness, grey_of, stamp_of
from tests.wrappers.fakes import dictionary

RATE = 0.01
STAMP = OnlineConfig(
    *(StampConfig(), Stage(1000, lr=RATE)),
    **{"batch": 2, "ratio": 1 / 9, "begins": 9, "first": 0, "publish": 2, "frames": 2**18, "scaled": 64, "seed": 3},
)
"""One training step for each three steps of three environments; the weight falls by RATE in each."""
TINY = replace(STAMP, start=MODELS["monet-lite"].tiny(), stage=Stage(1000, lr=1e-3), batch=4)
PRESET = PPOConfig(rollout=36, batch=18, epochs=1, width=8)
MOVES = spaces.Box(-1, 1, (2,), np.float32)


def scales(model) -> list[Scale]:
    return [part for part in model.policy.modules() if isinstance(part, Scale)]


def test_no_rollout_mixes_versions():
    """Each rollout is seen by the weights that were published before it, from its first observation on."""
    online = OnlineEncoder(brightness(), STAMP)
    model = PRESET.build(SB3VecEnv(online.env), 0)
    expected = [0.0]  # Adam's step on a gradient of one is its rate
    for now in learn(model, PRESET, 8 * 36):
        stamps = np.unique(stamp_of(model.rollout_buffer.observations))
        assert stamps == pytest.approx([expected[-1]], abs=1e-5)
        taught = online.step(model)
        assert taught.trained == (now.step - 9) // 9
        assert taught.published
        expected.append(-RATE * taught.trained)
        assert stamp_of(model._last_obs) == pytest.approx([expected[-1]] * 3, abs=1e-5)
        np.testing.assert_array_equal(grey_of(model._last_obs), [env.steps for env in online.env.env.envs])
    assert taught.version == 8
    assert len({round(value, 6) for value in expected}) == 9


def test_a_careless_publication_would_mix_them():
    """What `step` is for: without encoding again, a rollout begins with what the old version saw."""
    online = OnlineEncoder(brightness(), STAMP)
    model = PRESET.build(SB3VecEnv(online.env), 0)
    for _ in learn(model, PRESET, 36):
        online.encoder.publish({"weight": torch.tensor(1.0)})
    list(learn(model, PRESET, 72))
    stamps = stamp_of(model.rollout_buffer.observations).reshape(-1)
    assert set(stamps) == {0.0, 1.0}


class Publishes(BaseCallback):
    """Calls `publish` in one of stable-baselines3's callbacks, as often as that comes."""

    def __init__(self, when: str, publish):
        super().__init__()
        self.when, self.publish = when, publish

    def now(self, when: str) -> bool:
        if when == self.when:
            self.publish(self.model)
        return True

    def _on_training_start(self) -> None:
        self.now("training start")

    def _on_rollout_start(self) -> None:
        self.now("rollout start")

    def _on_step(self) -> bool:
        return self.now("step")

    def _on_rollout_end(self) -> None:
        self.now("rollout end")


@pytest.mark.parametrize(("when", "steps"), [("step", [*range(12)] * 2), ("rollout end", [12, 12])])
def test_a_rollout_in_the_midst_is_refused_from_its_first_step_to_before_its_update(when, steps):
    online = OnlineEncoder(brightness(), STAMP)
    model = PRESET.build(SB3VecEnv(online.env), 0)
    told = []

    def refused(model) -> None:
        told.append(model.rollout_buffer.pos)
        with pytest.raises(RuntimeError, match=f"a rollout is at step {told[-1]} of 12"):
            online.step(model)

    model.learn(72, callback=Publishes(when, refused))
    assert told == steps
    assert online.encoder.version == 0
    assert online.step(model).published


def test_an_update_in_the_midst_is_refused():
    online = OnlineEncoder(brightness(), STAMP)
    model = PRESET.build(SB3VecEnv(online.env), 0)
    told = []

    def refused(*_) -> None:
        if torch.is_grad_enabled():
            with pytest.raises(RuntimeError, match="its update is not done"):
                online.step(model)
            told.append(model.num_timesteps)

    model.policy.features_extractor.register_forward_hook(refused)
    model.learn(36)
    assert set(told) == {36}


@pytest.mark.parametrize("when", ["training start", "rollout start"])
def test_a_rollout_that_has_not_begun_is_not_in_the_midst(when):
    """Its observations are all of the version that was published then, the first of them too."""
    online = OnlineEncoder(brightness(), STAMP)
    model = PRESET.build(SB3VecEnv(online.env), 0)
    published = []
    publishes = Publishes(when, lambda model: published.append(online.step(model).published))
    for _ in range(3):
        model.learn(36, callback=publishes, reset_num_timesteps=False)
        stamps = np.unique(stamp_of(model.rollout_buffer.observations))
        assert stamps == pytest.approx([online.encoder.load().weight.item()])
    assert published == [False, True, True]


@pytest.mark.parametrize("algorithm", [DQN, SAC])
def test_a_replay_never_mixes_versions(algorithm):
    """Samples after each publication, of frames that are as old as the run, and the policy's own last observation."""
    online = OnlineEncoder(brightness(actions=MOVES if algorithm is SAC else None), STAMP)
    model = algorithm(
        "MlpPolicy",
        SB3VecEnv(online.env),
        learning_starts=18,
        buffer_size=600,
        batch_size=16,
        policy_kwargs={"net_arch": [8]},
        device="cpu",
        **({"target_update_interval": 9} if algorithm is DQN else {}),
        **online.replay(),
    )
    seen = set()
    for _ in range(8):
        model.learn(36, reset_num_timesteps=False)
        taught = online.step(model)
        assert taught.published
        sample = model.replay_buffer.sample(300)
        stamp = online.encoder.load().weight.item()
        for slots in (sample.observations, sample.next_observations, model._last_obs):
            assert stamp_of(slots) == pytest.approx(stamp)
        seen.add(stamp)
    assert len(seen) == 8
    assert model.replay_buffer.size() * 3 == model.num_timesteps


def test_a_step_that_is_not_stored_is_refused():
    online = OnlineEncoder(brightness(), STAMP)
    kept = {"buffer_size": 60, "learning_starts": 100, "target_update_interval": 9}
    model = DQN("MlpPolicy", SB3VecEnv(online.env), device="cpu", **kept, **online.replay())
    with pytest.raises(RuntimeError, match="not within"):
        model.learn(9, callback=lambda names, others: online.step(model) is None)


def test_scales_belong_to_a_version():
    """Set anew by frames of the reservoir; in target networks too. The level of brightness is what numpy says it is."""
    online = OnlineEncoder(brightness(), replace(STAMP, scaled=2000))
    preset = PRESET.build(SB3VecEnv(online.env), 0)
    for _ in learn(preset, PRESET, 36):
        online.step(preset)
    (scale,) = scales(preset)
    grey = online.reservoir.sample[: len(online.reservoir)].mean(axis=(1, 2, 3)) / 100
    assert scale.mean.tolist() == pytest.approx([grey.mean(), online.encoder.load().weight.item()], abs=2e-3)
    assert scale.deviation.tolist() == pytest.approx([0.1, 0.1])  # both hardly move
    kwargs = {"features_extractor_class": type(preset.policy.features_extractor), "net_arch": [8]}
    model = DQN(
        "MlpPolicy",
        SB3VecEnv(online.env),
        policy_kwargs=kwargs,
        learning_starts=100,
        target_update_interval=9,
        device="cpu",
        **online.replay(),
    )
    model.learn(9)
    online.step(model)
    assert len(scales(model)) == 2
    assert {tuple(part.mean.tolist()) for part in scales(model)} != {(0.0, 0.0)}
    assert len({tuple(part.mean.tolist()) for part in scales(model)}) == 1


def test_what_is_owed_depends_on_the_agents_steps_alone():
    stage = Stage(20, lr=RATE)
    online = OnlineEncoder(brightness(), replace(STAMP, stage=stage, publish=7))
    model = PRESET.build(SB3VecEnv(online.env), 0)
    model.learn(36)
    told = []
    for step in (0, 9, 17, 18, 80, 80, 90, 150, 400):
        model.num_timesteps = step
        taught = online.step(model)
        told.append((taught.trained, taught.version, taught.published))
    assert told == [
        (0, 0, False),
        (0, 0, False),
        (0, 0, False),
        (1, 0, False),
        (7, 1, True),
        (7, 1, False),
        (9, 1, False),
        (15, 2, True),
        (20, 3, True),  # the stage ends, and what is left of it is published
    ]
    assert not online.step(model).published


def test_what_it_begins_with_is_owed_at_once_and_only_once():
    online = OnlineEncoder(brightness(), replace(STAMP, begins=72, first=20))
    model = PRESET.build(SB3VecEnv(online.env), 0)
    trained = [online.step(model).trained for _ in learn(model, PRESET, 4 * 36)]
    assert trained == [0, 20, 24, 28]


def test_fit_is_underneath_and_the_published_stays_as_it_is():
    online = OnlineEncoder(gym.make_vec("ObjRep/Reach-v0", num_envs=3), TINY)
    online.env.reset(seed=0)
    published = {name: value.clone() for name, value in online.encoder.load().state_dict().items()}
    losses = online.train(5)
    assert {"loss", "nll", "kl"} <= losses.keys()
    assert all(math.isfinite(value) for value in losses.values())
    assert online.learner.training
    assert not online.encoder.load().training
    changed = [name for name, value in online.learner.state_dict().items() if not torch.equal(value, published[name])]
    assert {"encoder.last.weight", "decoder.last.weight"} <= set(changed)
    assert all(torch.equal(value, published[name]) for name, value in online.encoder.load().state_dict().items())
    assert online.now is not None
    assert online.trained == online.now.step == 5


def test_it_learns_what_it_is_shown():
    """The picture is drawn better after sixty steps on one room than before."""
    online = OnlineEncoder(gym.make_vec("ObjRep/Reach-v0", num_envs=4), replace(TINY, batch=8))
    online.env.reset(seed=0)
    first = online.train(5)["error"]
    online.train(60)
    assert online.train(5)["error"] < 0.8 * first


@pytest.mark.parametrize("start", [StampConfig(), MODELS["monet-lite"].tiny()], ids=["stamp", "monet-lite"])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path, start):
    """The same frames, the same noise, the same optimiser: the weights of an uninterrupted one, to the bit."""
    config = replace(STAMP, start=start, batch=4)
    first, other = OnlineEncoder(brightness(), config), OnlineEncoder(brightness(), config)
    model = PRESET.build(SB3VecEnv(first.env), 0)
    for _ in learn(model, PRESET, 72):
        first.step(model)
    first.train(1)  # one step beyond what is published
    first.save(tmp_path)
    assert first.trained == 8
    first.train(4)
    torch.manual_seed(99)
    assert other.resume(tmp_path)
    assert (other.encoder.version, other.trained, other.published, other.reservoir.seen) == (2, 8, 7, first.reservoir.seen)
    other.train(4)
    for name, value in first.learner.state_dict().items():
        assert torch.equal(value, other.learner.state_dict()[name]), name
    for name, value in first.encoder.load().state_dict().items():
        assert torch.equal(value, other.encoder.load().state_dict()[name]), name
    again = PRESET.build(SB3VecEnv(other.env), 1)
    again.num_timesteps = 72
    other.tune(again)
    assert scales(again)[0].mean.abs().sum() > 0
    for _ in learn(again, PRESET, 144):
        taught = other.step(again)
    assert taught.trained == (144 - 9) // 9
    assert not list(tmp_path.glob("*.partial"))


def test_what_is_published_is_a_run_directory(tmp_path):
    online = OnlineEncoder(gym.make_vec("ObjRep/Reach-v0", num_envs=2), TINY)
    pictures, _ = online.env.env.reset(seed=0)
    online.env.reset(seed=0)
    online.train(3)
    online.encoder.publish(online.learner.state_dict())
    online.train(3)
    online.save(tmp_path / "encoder")
    (slots,), _ = Encoder(str(tmp_path / "encoder"))([pictures])
    (expected,), _ = online.encoder([pictures])
    np.testing.assert_array_equal(slots, expected)
    assert json.loads((tmp_path / "encoder" / weights.CONFIG).read_text())["version"] == 1
    seen = gym.make_vec("ObjRep/Reach-v0", num_envs=2, encoder=str(tmp_path / "encoder")).reset(seed=0)[0]
    np.testing.assert_allclose(seen, expected, atol=1e-6)


def test_a_run_goes_on_without_its_frames(tmp_path):
    """They are filled anew, and until the first has come nothing is trained."""
    first, other = OnlineEncoder(brightness(), STAMP), OnlineEncoder(brightness(), STAMP)
    first.env.reset()
    first.train(3)
    first.save(tmp_path, frames=False)
    assert (tmp_path / "state.pt").stat().st_size < 20_000
    assert other.resume(tmp_path)
    model = PRESET.build(SB3VecEnv(other.env), 0)
    model.num_timesteps = 90
    assert other.step(model).trained == 3
    model.learn(36, reset_num_timesteps=False)
    assert other.step(model).trained == (126 - 9) // 9


def test_nothing_to_resume_and_what_cannot_be(tmp_path):
    online = OnlineEncoder(brightness(), STAMP)
    assert not online.resume(tmp_path)
    online.save(tmp_path)
    other = OnlineEncoder(brightness(), replace(STAMP, batch=3))
    with pytest.raises(ValueError, match=r"state\.pt is of another encoder: batch was 2, now 3"):
        other.resume(tmp_path)
    assert OnlineEncoder(brightness(), STAMP).resume(tmp_path)  # saved before its first step
    path = tmp_path / "state.pt"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ValueError, match=r"state\.pt is damaged.*Delete it to start over"):
        online.resume(tmp_path)


class Exploit:
    def __reduce__(self):
        return print, ("opened",)


def test_no_pickle_is_read(tmp_path, capsys):
    torch.save({"config": Exploit()}, tmp_path / "state.pt")
    with pytest.raises(ValueError, match="is damaged"):
        OnlineEncoder(brightness(), STAMP).resume(tmp_path)
    assert "opened" not in capsys.readouterr().out


def test_from_trained_weights():
    """Version 0 is what the reference names, training begins gently from there, and the agent's frames change it."""
    numbers = {name: getattr(STAMP, name) for name in ("ratio", "begins", "publish", "frames", "scaled", "seed")}
    config = OnlineConfig.warm("monet-lite@objects-room", batch=2, **numbers)
    assert (config.clock, config.first, config.stage.lr) == (1000, 0, 2e-4)
    online = OnlineEncoder(gym.make_vec("ObjRep/Reach-v0", num_envs=2), config)
    plain = VectorSlotObservation(gym.make_vec("ObjRep/Reach-v0", num_envs=2), "monet-lite@objects-room")
    np.testing.assert_array_equal(online.env.reset(seed=0)[0], plain.reset(seed=0)[0])
    before = {name: value.clone() for name, value in online.learner.state_dict().items()}
    online.train(2)
    assert online.trained == 2
    assert online.now is not None
    assert online.now.step == 1002
    assert online.now.loop.renewed == 1000
    moved = max((value - before[name]).abs().max().item() for name, value in online.learner.named_parameters())
    assert 0 < moved < 2e-5  # Adam's first steps are of the size of the rate: 2e-4, but for a gentle beginning


def test_the_same_seed_begins_with_the_same_weights_and_leaves_torch_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, other, third = (OnlineEncoder(brightness(), replace(TINY, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    first, same, different = (encoder.learner.state_dict()["decoder.content.weight"] for encoder in (one, other, third))
    assert torch.equal(first, same)
    assert not torch.equal(first, different)


def test_bf16_trains_and_encodes():
    online = OnlineEncoder(gym.make_vec("ObjRep/Reach-v0", num_envs=2), replace(TINY, precision="bf16"))
    online.env.reset(seed=0)
    assert math.isfinite(online.train(2)["loss"])
    assert online.encoder.precision == "bf16"
    assert all(value.dtype == torch.float32 for value in online.learner.parameters())


def test_any_environment_of_several_pictures():
    """Of a Dict each picture goes into the reservoir at the model's size, and slots of all have scales of the version."""
    vector = SyncVectorEnv([dictionary] * 3, autoreset_mode=AutoresetMode.SAME_STEP)
    online = OnlineEncoder(vector, STAMP)
    model = PRESET.build(SB3VecEnv(online.env), 0)
    for _ in learn(model, PRESET, 72):
        taught = online.step(model)
    assert taught.frames == 2 * (3 + 72 + 72 // 3)  # both pictures: a reset, the steps, the ends of episodes of three
    assert online.reservoir.sample.shape[1:] == (16, 16, 3)
    stamp = online.encoder.load().weight.item()
    assert stamp_of(model._last_obs["left"]) == pytest.approx(stamp)
    assert stamp_of(model._last_obs["right"]) == pytest.approx(stamp)
    assert any(part.mean.abs().sum() > 0 for part in scales(model))
    with pytest.raises(ValueError, match="is not one picture"):
        online.replay()


class States(NamedTuple):
    """Named as sb3-contrib's RNNStates: hidden and cell states of the LSTM of actions, and of that of values."""

    pi: tuple[torch.Tensor, ...]
    vf: tuple[torch.Tensor, ...]


def test_what_remembers_forgets_slots_of_another_version_and_only_then():
    online = OnlineEncoder(brightness(), replace(STAMP, stage=Stage(7, lr=RATE)))
    model = once(SB3VecEnv(online.env))
    states = States(*((torch.ones(1, 3, 8), torch.full((1, 3, 8), 2.0)) for _ in range(2)))
    for steps, published in ((36, True), (72, True), (108, False)):
        model.num_timesteps, model._last_lstm_states, model._last_episode_starts = steps, states, np.zeros(3, bool)
        assert online.step(model).published == published
        assert isinstance(model._last_lstm_states, States)
        assert [(part == 0).all().item() for each in model._last_lstm_states for part in each] == [published] * 4
        assert model._last_episode_starts.tolist() == [published] * 3
    assert states.pi[0].all(), "a rollout's own are left alone"


class Plain(VectorWrapper):
    """A wrapper above the slots, of someone who knows nothing of versions."""

    def __init__(self, env, change):
        super().__init__(env)
        self.change = change

    def step(self, actions):
        seen, *others = self.env.step(actions)
        return (self.change(seen), *others)

    def reset(self, **options):
        seen, info = self.env.reset(**options)
        return self.change(seen), info


class Above(Plain):
    """Another order, and numbers `factor` times as large, of someone who sees the last pictures again."""

    def __init__(self, env, factor=1):
        super().__init__(env, lambda seen: seen[:, ::-1] * factor)

    def again(self):
        return self.change(self.env.again())


def once(env: VecEnv) -> PPO:
    """After its first rollout."""
    model = PRESET.build(env, 0)
    model.learn(36)
    return model


def test_what_may_stand_above_the_slots():
    online = OnlineEncoder(brightness(), STAMP)
    adapted = SB3VecEnv(online.env)
    for env in (VecMonitor(adapted), VecNormalize(adapted, norm_obs=False), SB3VecEnv(Above(online.env))):
        model = once(env)
        model.num_timesteps += 100 * online.encoder.version
        assert online.step(model).published
        assert stamp_of(model._last_obs) == pytest.approx(online.encoder.load().weight.item())


def test_what_may_not_stand_above_the_slots():
    online = OnlineEncoder(brightness(), STAMP)
    with pytest.raises(ValueError, match="leave normalisers out"):
        online.step(once(SB3VecEnv(Above(online.env, factor=2))))
    with pytest.raises(ValueError, match="VecNormalize"):
        online.step(once(VecNormalize(SB3VecEnv(online.env))))
    with pytest.raises(ValueError, match=r"build it on SB3VecEnv\(online.env\)"):
        online.step(once(SB3VecEnv(OnlineEncoder(brightness(), STAMP).env)))
    model = DQN("MlpPolicy", SB3VecEnv(online.env), buffer_size=60, target_update_interval=9, device="cpu")
    with pytest.raises(ValueError, match=r"ReplayBuffer does not keep.*online\.replay\(\)"):
        online.step(model)


CHANGES = {"numbers": lambda seen: seen + 1, "order": lambda seen: seen[:, ::-1].copy()}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_wrapper_that_again_would_leave_out_is_refused_by_name_before_a_version_comes(change):
    online = OnlineEncoder(brightness(), STAMP)
    encode = online.encoder.load().encode
    apart = torch.arange(3.0)[:, None]  # like slots would hide their order
    online.encoder.load().encode = lambda image: replace(encode(image), latents=encode(image).latents + apart)
    with pytest.raises(ValueError, match="above the slots, Plain changes their numbers"):
        online.step(once(SB3VecEnv(Plain(online.env, change))))
    assert online.encoder.version == 0


def test_a_wrapper_that_changes_nothing_may_stand_above_the_slots():
    online = OnlineEncoder(brightness(), STAMP)
    model = once(SB3VecEnv(Plain(online.env, lambda seen: seen.copy())))
    assert online.step(model).published
    assert stamp_of(model._last_obs) == pytest.approx(online.encoder.load().weight.item())


def test_slots_of_a_dict_may_change_their_order_and_not_their_numbers():
    online = OnlineEncoder(SyncVectorEnv([dictionary] * 3, autoreset_mode=AutoresetMode.SAME_STEP), STAMP)
    keys = ("left", "right")
    assert online.step(once(SB3VecEnv(VectorShuffleSlots(online.env, keys=keys)))).published
    with pytest.raises(ValueError, match="above the slots, VectorNormaliseSlots changes their numbers"):
        online.step(once(SB3VecEnv(VectorNormaliseSlots(online.env, keys=keys))))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (OnlineConfig("colour"), "'colour' has no parameters to learn"),
        (OnlineConfig("segmenter-rn50-small"), "learns from .*mask"),
        (OnlineConfig("nothing@nowhere"), "nothing@nowhere"),
        (OnlineConfig(batch=0), "batch 0"),
        (OnlineConfig(ratio=-1.0), r"ratio -1\.0 and first 1500 at least 0"),
        (OnlineConfig(first=-1), "first -1 at least 0"),
        (OnlineConfig(clock=5, stage=Stage(5)), r"clock 5 in \[0, 5\)"),
        (OnlineConfig(frames=100), "room for 0 frames"),
    ],
    ids=["weightless", "supervised", "nowhere", "batch", "ratio", "first", "clock", "frames"],
)
def test_what_is_wrong_is_named(config, told):
    with pytest.raises(ValueError, match=told):
        OnlineEncoder(brightness(), config)


def test_a_loss_that_is_not_finite_is_told_at_every_later_call():
    """And not passed over, as if there were nothing to learn."""
    online = OnlineEncoder(brightness(), STAMP)
    model = PRESET.build(SB3VecEnv(online.env), 0)
    with torch.no_grad():
        online.learner.weight.fill_(math.nan)
    next(learn(model, PRESET, 36))
    for _ in range(2):
        with pytest.raises(FloatingPointError, match="is not finite"):
            online.step(model)


def test_records_stand_beside_those_of_the_agent(tmp_path):
    online = OnlineEncoder(brightness(), STAMP)
    model = PRESET.build(SB3VecEnv(online.env), 0)
    with Journal(tmp_path) as journal:
        for now in learn(model, PRESET, 72):
            journal.write(step=now.step, **now.record(), **online.step(model).record())
    first, second = read(tmp_path / "journal.jsonl")
    assert (first["encoder/version"], second["encoder/version"]) == (1, 2)
    assert second["encoder/steps"] == 7
    assert second["encoder/down"] == second["encoder/loss"] == pytest.approx(-RATE * np.mean([3, 4, 5, 6]), abs=1e-5)
    assert {"success", "steps_per_second"} <= second.keys()
