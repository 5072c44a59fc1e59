"""Elsewhere — what slots see in environments that no one here wrote: MuJoCo's, Box2D's, Minigrid, Miniworld, Atari."""

from dataclasses import replace

from objrep_gym.experiments.elsewhere_figure import ElsewhereFigure
from objrep_gym.experiments.foreign import Foreign
from objrep_gym.experiments.kinds import Run, Start
from objrep_gym.models import MODELS
from objrep_gym.models.monet_lite import MONetLiteConfig
from objrep_gym.training import Stage

SMALL = {"width": 128, "height": 128}
DRAWN = ("minigrid.wrappers:RGBImgObsWrapper", "minigrid.wrappers:ImgObsWrapper")

LITE = MODELS["monet-lite"]
assert isinstance(LITE, MONetLiteConfig)
# Its attention may learn from the first step on: the VAE behind it has learned to draw already.
OWN_FRAMES = Run(
    replace(LITE, settle=0),
    stages=(Stage(300, lr=5e-4, schedule="cosine", warmup=20),),
    batch=32,
    precision="bf16",
    start=Start("monet-lite@objects-room"),
)

EXPERIMENT = ElsewhereFigure(
    "What slots see elsewhere",
    rows={
        "Reacher": Foreign("Reacher-v5", options=SMALL),
        "Pusher": Foreign("Pusher-v5", options=SMALL, settle=20),
        "Ant": Foreign("Ant-v5", options=SMALL, settle=10),
        "CarRacing": Foreign("CarRacing-v3", "Box2D", settle=60),
        "LunarLander": Foreign("LunarLander-v3", "Box2D", settle=30),
        "CartPole": Foreign("CartPole-v1", "pygame", settle=8),
        "Minigrid, DoorKey": Foreign("MiniGrid-DoorKey-8x8-v0", "minigrid", wrappers=DRAWN),
        "Miniworld, PickupObjects": Foreign("MiniWorld-PickupObjects-v0", "miniworld"),
        "Atari, Pong": Foreign("ALE/Pong-v5", "ale_py", settle=40),
        "Atari, Freeway": Foreign("ALE/Freeway-v5", "ale_py", settle=60),
    },
    encoders={"colour": "colour", "colour-rgb": "colour-rgb", "monet-lite": "monet-lite@objects-room"},
    learns={"Reacher": OWN_FRAMES, "CarRacing": OWN_FRAMES},
    notes=(
        "monet-lite has seen rooms alone, where its error is 5.3 ×10⁻³: everything here is outside what it learned.",
        "colour and colour-rgb have learned nothing: they find what differs in hue, or in hue and light, and draw it again "
        "as blots of one colour.",
    ),
)
