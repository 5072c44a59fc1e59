"""An environment by keyboard: a window with what the agent sees, beside it what an encoder makes of it, and the score."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from objrep_gym.envs.specs import is_ours
from objrep_gym.envs.window import Window, refusal
from objrep_gym.experiments.keyboard import Keyboard, action_of
from objrep_gym.wrappers.overlay import SlotOverlay

FPS = 10  # steps a second while a key is held
STRIP = 56  # pixels under the picture
PAPER, INK, FAINT, WON, LOST = (24, 29, 38), (232, 236, 243), (139, 148, 163), (60, 190, 130), (235, 100, 90)
HINT = "arrows or WASD: move    space: wait    R: new episode    Esc: quit"


@dataclass(frozen=True, kw_only=True)
class Playing:
    """What is played, and how it is shown."""

    keywords: tuple[str, ...] = ()
    """Of the environment: control=continuous look=published objects=6."""
    encoder: str | None = None
    """Show its slots beside the picture: a reference of weights, `colour`, or `oracle` for the true masks."""
    seed: int = 0
    """Of the first episode."""
    side: int = 512
    """Height of the picture in pixels, at least."""


class Session:
    """Episodes of one environment, and how the present one stands. Raises ValueError on an environment that is not ours."""

    def __init__(self, env: str, playing: Playing):
        if not is_ours(env):
            raise ValueError(f"{env} is none of ours: `objrep-gym list` names them")
        options: dict[str, Any] = {**keywords(playing.keywords), "render_mode": "rgb_array"}
        if playing.encoder == "oracle":
            info = options.get("info", ())
            options["info"] = info if isinstance(info, str) else (*info, "mask")
        elif playing.encoder is not None:
            options |= {"encoder": playing.encoder, "encoding": {"masks": True}}
        self.env, self.side, self.beside = gym.make(env, **options), playing.side, playing.encoder is not None
        if self.beside:
            key = "mask" if playing.encoder == "oracle" else "slots_mask"
            self.env = SlotOverlay(self.env, key, height=playing.side)
        self.name = env
        self.begin(playing.seed)

    def begin(self, seed: int | None = None) -> None:
        """A new episode."""
        self.env.reset(seed=seed)
        self.steps, self.reward, self.total, self.success, self.ended = 0, 0.0, 0.0, False, False

    def press(self, keys: Sequence[str]) -> None:
        """One step by the keys that are pressed, if they do anything and the episode has not ended; R begins a new one."""
        if "r" in keys:
            self.begin()
            return
        world: Any = self.env.unwrapped
        action = None if self.ended else action_of(keys, world.game, world.factors)
        if action is None:
            return
        _, reward, terminated, truncated, info = self.env.step(action)
        self.steps, self.reward, self.total = self.steps + 1, float(reward), self.total + float(reward)
        self.success, self.ended = bool(info["is_success"]), terminated or truncated

    def frame(self) -> np.ndarray:
        """uint8 (H, W, 3): the picture, beside it the slots, and the goal if one is shown; a strip says how it stands."""
        plain: Any = self.env.env.render() if isinstance(self.env, SlotOverlay) else self.env.render()
        scale = max(1, -(-self.side // plain.shape[0]))
        panels = [plain.repeat(scale, axis=0).repeat(scale, axis=1)]
        if self.beside:
            panels.append(np.asarray(self.env.render()))
        world: Any = self.env.unwrapped
        panels += [goal.repeat(scale, axis=0).repeat(scale, axis=1) for goal in world.seen.get("goal", ())]
        return np.concatenate([np.concatenate(panels, axis=1), self.strip(sum(panel.shape[1] for panel in panels))])

    def strip(self, width: int) -> np.ndarray:
        """uint8 (STRIP, width, 3): the numbers, and the keys."""
        image = Image.new("RGB", (width, STRIP), PAPER)
        pen = ImageDraw.Draw(image)
        score = f"{self.steps} steps    reward {self.reward:+.2f}    return {self.total:+.2f}"
        pen.text((12, 7), score, INK, ImageFont.load_default(17))
        pen.text((12, 33), HINT, FAINT, ImageFont.load_default(13))
        if self.ended:
            told, colour = ("success", WON) if self.success else ("over", LOST)
            pen.text((width - 12, 7), told, colour, ImageFont.load_default(17), anchor="ra")
        return np.asarray(image)


def play(env: str, playing: Playing) -> None:
    """Plays until Esc, or until the window is closed. Raises NoDisplay without a screen, DependencyNotInstalled without
    pygame, gymnasium's errors on an unknown id, ValueError on keywords that the environment refuses."""
    reason = refusal("play")
    if reason is not None:
        raise reason
    import pygame  # pyright: ignore[reportMissingImports]  an extra

    session, keyboard = Session(env, playing), Keyboard()
    window = Window(env, FPS, "play")
    try:
        window.show([session.frame()])
        while heard(pygame, keyboard):
            session.press(keyboard.read())
            window.show([session.frame()])
    finally:
        window.close()
        session.env.close()


def heard(pygame: Any, keyboard: Keyboard) -> bool:
    """Tells the keyboard what happened; False if one wants to quit."""
    for event in pygame.event.get():
        if event.type == pygame.QUIT:
            return False
        if event.type == pygame.KEYDOWN:
            if pygame.key.name(event.key) == "escape":
                return False
            keyboard.press(pygame.key.name(event.key))
        elif event.type == pygame.KEYUP:
            keyboard.release(pygame.key.name(event.key))
    return True


def keywords(words: Sequence[str]) -> dict[str, Any]:
    """`objects=6` and `look=published` as keywords; a value that is no Python literal is text. Raises ValueError on a word
    without a name."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"keyword {word!r} is no name=value, such as control=continuous")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found
