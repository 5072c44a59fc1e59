"""What all verbs share: their shape, choices between presets, and how records are told."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, Protocol, runtime_checkable

import tyro


@runtime_checkable
class Verb(Protocol):
    """The options of a verb; called, it does its work."""

    def __call__(self) -> None: ...


def presets(named: Mapping[str, Any]) -> Any:
    """A choice between presets, each with its own options."""
    return tyro.extras.subcommand_type_from_defaults(dict(named), prefix_names=False)


def only(options: Any, kind: type, **changed: Any) -> Any:
    """The part of a verb's options that its function takes."""
    return kind(**{f.name: changed[f.name] if f.name in changed else getattr(options, f.name) for f in fields(kind)})


def given(options: Any, kind: type, told: str, aside: tuple[str, ...] = ()) -> Any:
    """What was given of the options that `kind` takes, as such a thing; its defaults for the rest. Raises ValueError on an
    option that was given and that it does not take, as no option of `told`."""
    named = {f.name: getattr(options, f.name) for f in fields(options) if f.name not in aside}
    chosen, known = {name: value for name, value in named.items() if value is not None}, [f.name for f in fields(kind)]
    foreign = [name for name in chosen if name not in known]
    if foreign:
        raise ValueError(f"--{foreign[0]} is no option of {told}, which takes {', '.join(f'--{name}' for name in known)}")
    return kind(**chosen)


def tell(records: Iterable[Mapping[str, Any]], as_json: bool, as_table: Callable[[list[Any]], Any]) -> None:
    """Prints records as they come, one JSON object per line, or all of them as a table, or as several."""
    if as_json:
        for record in records:
            print(json.dumps(record), flush=True)
        return
    made = as_table(list(records))
    for table in made if isinstance(made, list) else [made]:
        show(table)


def show(table: Any) -> None:
    """Prints a table to the terminal."""
    from rich.console import Console

    from objrep_gym.figures.tables import as_rich

    Console().print(as_rich(table))
