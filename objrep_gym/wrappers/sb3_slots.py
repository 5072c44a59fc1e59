"""SlotVecEnv: slots for environments that stable-baselines3 has already put side by side, as rl-baselines3-zoo does.

    SlotVecEnv(make_vec_env("objrep_gym:ObjRep/Reach-v0", n_envs=16, vec_env_cls=SubprocVecEnv), "monet-lite@objects-room")

Pictures are drawn in the processes of a SubprocVecEnv, and encoded here, all of them in one batch.
"""

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from objrep_gym.wrappers.encoder import Encoder
from objrep_gym.wrappers.frames import Frames


class SlotVecEnv(VecEnvWrapper):
    """Pictures of N environments, and the last ones of episodes that end, become slots in one forward pass.

    encoder: a reference of `weights.load`. slots, precision, device, places: as in `SlotObservation`. Raises what `Encoder`
    raises, and ValueError where observations hold no picture, at a reset also where they hold a board of symbols.
    """

    def __init__(
        self,
        venv: VecEnv,
        encoder: str,
        slots: int | None = None,
        precision: str = "float32",
        device: str = "cpu",
        places: bool = False,
    ):
        self.encoder = Encoder(encoder, slots, False, precision, device, places)
        try:
            self.frames = Frames(venv.observation_space, None)
        except ValueError as error:
            raise ValueError(
                f"no picture in {venv.observation_space}: wrap the single environments in "
                "gymnasium.wrappers.AddRenderObservation, made with render_mode='rgb_array'"
            ) from error
        super().__init__(venv, self.frames.replace_space(venv.observation_space, self.encoder.space))

    def reset(self) -> VecEnvObs:
        observations = self.venv.reset()
        self.frames.refuse_boards(observations)
        return self.convert(observations, [])

    def step_wait(self) -> VecEnvStepReturn:
        observations, rewards, dones, infos = self.venv.step_wait()
        return self.convert(observations, infos), rewards, dones, infos

    def convert(self, observations: Any, infos: list[dict[str, Any]]) -> Any:
        """Observations with slots in place of pictures; in `infos`, in place, terminal observations likewise."""
        frames, ended = self.frames, [info for info in infos if "terminal_observation" in info]
        pictures = frames.pictures(observations)
        for info in ended:
            last = info["terminal_observation"]
            alone = {key: np.asarray(last[key])[None] for key in frames.formats} if frames.nested else last[None]
            pictures = [np.concatenate(pair) for pair in zip(pictures, frames.pictures(alone), strict=True)]
        codes, _ = self.encoder(pictures)
        for place, info in enumerate(ended, start=self.num_envs):
            info["terminal_observation"] = frames.replace(info["terminal_observation"], [code[place] for code in codes])
        return frames.replace(observations, [code[: self.num_envs] for code in codes])
