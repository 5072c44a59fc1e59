"""From slots (K, D) to the features of a policy: flat, which depends on the order of slots, and three that do not: deep
sets, a relation network, and attention.

Pixels need nothing here: stable-baselines3's own `NatureCNN` takes uint8 images, and its policies divide them by 255 and
put channels first by themselves. So `"cnn"` names that class, and no wrapper of ours may normalise a second time.
"""

import torch
from gymnasium import spaces
from jaxtyping import Float
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, NatureCNN
from torch import Tensor, nn


class FlatExtractor(BaseFeaturesExtractor):
    """Slots one after the other into one multilayer perceptron: K · D numbers, 2 × `width`, ReLU.

    What most users write first, and the baseline of the set extractors: where slots have no order, it has to learn every
    permutation. Raises ValueError for spaces other than Box(K, D).
    """

    def __init__(self, observation_space: spaces.Space, features_dim: int = 128, width: int = 128):
        super().__init__(observation_space, features_dim)
        slots, latent = slot_shape(observation_space)
        self.scale = Scale(latent)
        self.network = perceptron(slots * latent, width, features_dim)

    def forward(self, observations: Float[Tensor, "B K D"]) -> Float[Tensor, "B F"]:
        return self.network(self.scale(observations).flatten(1))


class DeepSetExtractor(BaseFeaturesExtractor):
    """Deep sets (Zaheer et al. 2017): features = ρ(pool of φ(slots)), the same for every order of slots.

    φ is two layers for each slot alone, the paper's equivariant layer (its eq. 4, supplement §C), in which every slot also
    sees the maximum over all, and one more: so an object can be judged by where the hand is, which a sum of things seen
    alone must laboriously encode. Differs from the paper's sum: the pool is mean and maximum beside each other, because a
    maximum selects ("where is the goal?") and a mean counts, and neither grows with K. ρ is one layer. All are `width`
    wide. Raises ValueError for spaces other than Box(K, D).
    """

    def __init__(self, observation_space: spaces.Space, features_dim: int = 128, width: int = 128):
        super().__init__(observation_space, features_dim)
        _, latent = slot_shape(observation_space)
        self.scale = Scale(latent)
        self.alone = perceptron(latent, width, width)
        self.itself, self.others = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.related = nn.Linear(width, width)
        self.whole = nn.Linear(2 * width, features_dim)

    def forward(self, observations: Float[Tensor, "B K D"]) -> Float[Tensor, "B F"]:
        slots = self.alone(self.scale(observations))
        slots = (self.itself(slots) + self.others(slots.amax(1, keepdim=True))).relu()
        slots = self.related(slots).relu()
        return self.whole(torch.cat((slots.mean(1), slots.amax(1)), dim=-1)).relu()


class RelationExtractor(BaseFeaturesExtractor):
    """A relation network (Santoro et al. 2017): every slot is compared with every other one before they are pooled.

    The paper's g is a perceptron of pairs. Here it is also given how far apart both are in each dimension: for a difference
    d, v = 2 d / √(1 + d²) and v², bounded, so that near things weigh as much as far ones, and "touches" and "looks like"
    are nearly linear. A network that was taught which step of the hand touches something found 86 % of those steps after
    500 batches, 14 % with squared differences alone, hardly any with neither. What a slot is to the others, by mean and
    maximum, then joins what it is by itself, and the pool is that of `DeepSetExtractor`; the paper sums over all pairs at
    once (its eq. 1), and cannot say of which slot a relation held. Norms (Ba et al. 2016) keep rectified units from dying.
    Raises ValueError for spaces other than Box(K, D).
    """

    def __init__(self, observation_space: spaces.Space, features_dim: int = 128, width: int = 128):
        super().__init__(observation_space, features_dim)
        _, latent = slot_shape(observation_space)
        pair = width // 2  # there are K² of them
        self.scale = Scale(latent)
        self.one, self.other = nn.Linear(latent, pair), nn.Linear(latent, pair, bias=False)
        self.apart = nn.Linear(2 * latent, pair, bias=False)
        self.related = normed(pair, pair)
        self.alone = normed(2 * pair + latent, width)
        self.whole = normed(2 * width, features_dim)

    def forward(self, observations: Float[Tensor, "B K D"]) -> Float[Tensor, "B F"]:
        slots = self.scale(observations)
        apart = bounded(slots[:, :, None] - slots[:, None])  # (B, K, K, D)
        pairs = self.one(slots)[:, :, None] + self.other(slots)[:, None]
        pairs = self.related((pairs + self.apart(torch.cat((apart, apart * apart), dim=-1))).relu())
        slots = self.alone(torch.cat((pairs.mean(2), pairs.amax(2), slots), dim=-1))
        return self.whole(torch.cat((slots.mean(1), slots.amax(1)), dim=-1))


class AttentionExtractor(BaseFeaturesExtractor):
    """A transformer over the slots and a token of its own, whose output is the features: the pooling of OCRL (Yoon et al.
    2023, §3.2), with its numbers: `width` 128, 8 heads, 1 layer, no positions, no dropout.

    Differs from theirs: norms come before each part (Xiong et al. 2020), which trains at larger learning rates. Raises
    ValueError for spaces other than Box(K, D).
    """

    def __init__(self, observation_space: spaces.Space, features_dim: int = 128, width: int = 128, heads: int = 8):
        super().__init__(observation_space, features_dim)
        _, latent = slot_shape(observation_space)
        self.scale = Scale(latent)
        self.token = nn.Parameter(torch.zeros(width))
        self.into = nn.Linear(latent, width)
        self.mix = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.whole = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, features_dim), nn.ReLU())

    def forward(self, observations: Float[Tensor, "B K D"]) -> Float[Tensor, "B F"]:
        slots = self.into(self.scale(observations))
        token = self.token.expand(len(slots), 1, -1)
        return self.whole(self.mix(torch.cat((token, slots), dim=1))[:, 0])


class Scale(nn.Module):
    """Each latent dimension less its mean, over its standard deviation, both over all slots: never per slot index, which
    would tell slots apart. Set once, by `set_from`, and then fixed: statistics that moved while the policy learned would
    change it between acting and learning.

    Without it places, which in a room of six metres differ by tenths, are drowned by colours and shapes.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, latent: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("deviation", torch.ones(latent))

    def set_from(self, slots: Float[Tensor, "B K D"]) -> None:
        """Statistics of slots that were seen. A dimension that hardly moves is enlarged tenfold at most: in a VAE it is
        noise around nothing."""
        every = slots.flatten(0, 1)
        self.mean.copy_(every.mean(0))
        self.deviation.copy_(every.std(0).clamp_min(0.1))

    def forward(self, slots: Float[Tensor, "B K D"]) -> Float[Tensor, "B K D"]:
        return (slots - self.mean) / self.deviation


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Two linear layers, a ReLU after each."""
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs), nn.ReLU())


def bounded(difference: Tensor) -> Tensor:
    """A difference in (−2, 2): twice itself near 0, and level where it is large."""
    return 2 * difference / (1 + difference * difference).sqrt()


def normed(inputs: int, outputs: int) -> nn.Sequential:
    """A linear layer, its norm, and a ReLU."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.ReLU())


def slot_shape(space: spaces.Space) -> tuple[int, int]:
    """(K, D) of a space of slots; raises ValueError for any other space."""
    if not isinstance(space, spaces.Box) or len(space.shape) != 2:
        raise ValueError(f"slots are a Box(K, D), not {space}: give the environment an encoder, such as encoder='oracle'")
    return space.shape[0], space.shape[1]


EXTRACTORS: dict[str, type[BaseFeaturesExtractor]] = {
    "flat": FlatExtractor,
    "deep-set": DeepSetExtractor,
    "relation": RelationExtractor,
    "attention": AttentionExtractor,
    "cnn": NatureCNN,
}
