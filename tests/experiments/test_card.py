"""Card: the commands that it prints perform the runs that it tells of."""

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from objrep_gym.cli import VERBS, main, making
from objrep_gym.data import parse
from objrep_gym.experiments import kinds
from objrep_gym.experiments.card import command, runs_of, wanted
from objrep_gym.experiments.kinds import Performed, Run, same
from objrep_gym.experiments.parallel_vae import _runs
from objrep_gym.experiments.reproduce import find, names
from objrep_gym.models import MODELS
from objrep_gym.training import Stage


@pytest.fixture
def done(monkeypatch) -> list[tuple[Run, Path]]:
    """Runs, and their folders, that the verb `train` was asked for, of which none is performed."""
    asked = []

    def performed(run, out, minutes, wandb):
        asked.append((run, out))
        return Performed(out, 70, 70, True, {})

    monkeypatch.setattr(kinds, "perform", performed)
    return asked


def test_the_command_performs_the_same_run(done):
    """The words are parsed by the command line itself."""
    wanted = Run(
        replace(MODELS["monet-lite"], beta=0.25, size=(32, 48)),  # pyright: ignore[reportArgumentType]
        ("objects-room:variant=train,look=plain,size=32", "objects-room:variant=reach,size=32"),
        (Stage(70, lr=3e-4, schedule="cosine", warmup=10),),
        batch=32,
        seed=3,
        precision="bf16",
    )
    program, *words = command(wanted, "runs/again").split()
    assert program == "objrep-gym"
    assert main(words) == 0
    assert done == [(wanted, Path("runs/again"))]


def rows() -> dict[str, Run]:
    """Every training of every experiment that shows models, once."""
    found = {}
    for name in names():
        if not name.startswith("control/"):
            found |= {repr(run): run for run in runs_of(find(name))}
    return found


def chain(run: Run, out: str) -> Iterator[tuple[Run, str]]:
    """A run after those that it starts from, as a card names their folders."""
    if run.start is not None and isinstance(run.start.weights, Run):
        yield from chain(run.start.weights, f"{out}-trunk")
        run = replace(run, start=replace(run.start, weights=f"{out}-trunk"))
    yield run, out


def test_the_commands_of_all_rows_are_understood_and_perform_them(done, monkeypatch):
    every, verb = rows().values(), making.train()
    monkeypatch.setitem(VERBS, "train", ("", lambda: verb))  # built once: that takes longer than to read a command
    assert len(every) > 100
    for run in every:
        lines = command(run, "runs/x").splitlines()
        if lines[0].startswith("objrep-gym reproduce "):
            *_, name, anew = lines[0].split()
            assert run in runs_of(find(name))
            assert anew == "--anew"
            continue
        done.clear()
        for line in lines:
            assert main(shlex.split(line)[1:]) == 0, line
        for (asked, out), (made, folder) in zip(chain(run, "runs/x"), done, strict=True):
            assert folder == Path(out)
            assert [parse(text) for text in made.data] == [parse(text) for text in asked.data]
            assert same(replace(made, data=asked.data), asked), lines


def test_what_several_stages_make_is_named_by_an_experiment_that_shows_it():
    assert command(_runs.FOUR, "runs/four") == "objrep-gym reproduce parallel_vae/figure_4_3 --anew"
    assert command(_runs.FIRM, "runs/firm") == "objrep-gym reproduce parallel_vae/figure_4_3 --anew"


def test_what_has_to_be_brought_along_is_said():
    (told, _) = wanted(_runs.FOUR)
    assert "`digit-pairs` are downloaded by hand" in told
    assert "OBJREP_GYM_DATA" in told
    assert wanted(_runs.SPLITTING["ours"]) == []
