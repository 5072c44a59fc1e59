"""PictureHerReplayBuffer: hindsight for goals that are shown, to be handed to an algorithm of stable-baselines3.

env = SB3VecEnv(gym.make_vec("ObjRep/GoalImage-v0", num_envs=16, encoder="oracle"))
DQN("MultiInputPolicy", env, replay_buffer_class=PictureHerReplayBuffer, learning_starts=2000)
"""

import numpy as np
from stable_baselines3.common.type_aliases import DictReplayBufferSamples
from stable_baselines3.common.vec_env import VecNormalize
from stable_baselines3.her import GoalSelectionStrategy, HerReplayBuffer


class PictureHerReplayBuffer(HerReplayBuffer):
    """Hindsight experience replay (Andrychowicz et al. 2017) in which the picture of a goal changes with its place.

    Differs from stable-baselines3's HerReplayBuffer, which changes the place alone, so that "goal" would go on to show what
    was asked for and "desired_goal" say what came of it: here "goal" becomes what was observed when the new goal was
    achieved, be it a picture or slots. And what hindsight made a success ends the episode, as it does where it is played.
    Keywords as there.
    """

    def _sample_goals(self, batch_indices: np.ndarray, env_indices: np.ndarray) -> np.ndarray:
        """float (B, 2): places that were achieved later in the same episodes; keeps what was observed there."""
        first, length = self.ep_start[batch_indices, env_indices], self.ep_length[batch_indices, env_indices]
        since = {
            GoalSelectionStrategy.FINAL: length - 1,
            GoalSelectionStrategy.FUTURE: (batch_indices - first) % self.buffer_size,
            GoalSelectionStrategy.EPISODE: np.zeros_like(length),
        }[self.goal_selection_strategy]
        when = (first + np.random.randint(since, length)) % self.buffer_size, env_indices
        self.new = {key: self.next_observations[key][when] for key in ("achieved_goal", "observation")}
        return self.new["achieved_goal"]

    def _get_virtual_samples(
        self, batch_indices: np.ndarray, env_indices: np.ndarray, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        """Steps with new goals, their pictures, rewards and ends."""
        samples, rows = super()._get_virtual_samples(batch_indices, env_indices, env), (batch_indices, env_indices)
        seen = {key: every[rows] for key, every in self.observations.items()} | {"goal": self.new["observation"]}
        goal = self.to_torch(dict(self._normalize_obs(seen, env))["goal"])  # all keys: VecNormalize refuses fewer
        places = self.next_observations["achieved_goal"][rows], self.new["achieved_goal"]
        assert self.env is not None  # super() has asked it for rewards
        (ends,) = self.env.env_method("compute_terminated", *places, [{}] * len(batch_indices), indices=[0])
        return samples._replace(
            observations={**samples.observations, "goal": goal},
            next_observations={**samples.next_observations, "goal": goal},
            dones=self.to_torch(np.asarray(ends, dtype=np.float32)).reshape(-1, 1),
        )
