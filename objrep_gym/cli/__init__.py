"""The command line: each verb parses, calls one function, and prints where the result lies.

A verb's options are built when that verb is called, from the dataclass that its function takes: so `objrep-gym --help`
loads neither torch nor a model, and what can be said on the command line is what can be said in Python.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union

import tyro

from objrep_gym import __version__
from objrep_gym.cli import asking, making
from objrep_gym.cli.options import Verb

TRACEBACK = "OBJREP_GYM_TRACEBACK"
DESCRIPTION = f"Object-centric observations for gymnasium. {TRACEBACK}=1 shows where an error arose."
VERBS: dict[str, tuple[str, Callable[[], type[Verb]]]] = {
    "demo": ("The whole thread in ten minutes: rooms, slots, an agent; leaves one page.", making.demo),
    "generate": ("Draw scenes into a dataset on disk.", making.generate),
    "train": ("Train a model into a run directory.", making.train),
    "evaluate": ("How well a model takes scenes apart.", asking.evaluate),
    "export": ("A run becomes weights with a card; scenes become files that others read.", making.export),
    "import": ("What others published becomes a dataset on disk.", making.importing),
    "agent": ("An agent learns on slots, pixels or true factors.", making.agent),
    "reproduce": ("A table of results, with all that it needs.", making.reproduce),
    "encode": ("Slots of images, into one .npz.", asking.encode),
    "play": ("An environment by keyboard, in a window.", asking.play),
    "bench": ("How fast things are.", asking.bench),
    "list": ("Models, datasets, environments, extractors, weights, experiments.", asking.listing),
}


def overview() -> Any:
    """All verbs as empty subcommands, for `--help` and for what is no verb: nothing of them is loaded."""
    named = {name: type(name.title(), (), {"__doc__": told}) for name, (told, _) in VERBS.items()}
    choices = [Annotated[dataclass(kind), tyro.conf.subcommand(name)] for name, kind in named.items()]
    return Union[tuple(choices)]  # noqa: UP007


def mistakes() -> tuple[type[Exception], ...]:
    """What is told in one line: settings and files that are wrong, a full disk, a machine that cannot draw."""
    from gymnasium.error import Error

    from objrep_gym.envs.window import NoDisplay
    from objrep_gym.journal import NotInstalled
    from objrep_gym.scenes.engines import NoEngine
    from objrep_gym.scenes.headless import NoOpenGL

    return (ValueError, KeyError, OSError, FloatingPointError, Error, NoDisplay, NoOpenGL, NoEngine, NotInstalled)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 2 after an error of the user's, told in one line; a bug keeps its traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["--version"]:
        print(__version__)
        return 0
    if not words or words[0] not in VERBS:
        tyro.cli(overview(), prog="objrep-gym", args=words, description=DESCRIPTION)
        return 2
    config = (tyro.conf.CascadeSubcommandArgs, tyro.conf.FlagCreatePairsOff)
    try:
        verb = tyro.cli(VERBS[words[0]][1](), prog=f"objrep-gym {words[0]}", args=words[1:], config=config)
        verb()
    except KeyboardInterrupt:
        return 130
    except mistakes() as error:
        if os.environ.get(TRACEBACK):
            raise
        told = error.args[0] if isinstance(error, KeyError) and error.args else error
        print(f"objrep-gym {words[0]}: {' '.join(str(told).split())}", file=sys.stderr)
        return 2
    return 0
