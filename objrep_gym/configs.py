"""Frozen dataclasses as JSON and back: `{"kind": "MONetConfig", …}`, every key known, every type checked."""

import dataclasses
import types
import typing
from collections.abc import Iterable
from typing import Any, Literal, Union, get_args, get_origin

KIND = "kind"


def to_json(value: Any) -> Any:
    """A dataclass of plain values, nested ones included, as what `json.dumps` takes; tuples become lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {KIND: type(value).__name__, **fields}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def from_json(value: Any, kinds: Iterable[type], where: str = "config") -> Any:
    """The dataclass that `to_json` wrote; `kinds` are those that it may be made of.

    Fields that are missing take their defaults. Raises ValueError, naming `where` and the field, on an unknown kind or
    key and on a value of another type: JSON from elsewhere can name nothing but these fields.
    """
    allowed = {kind.__name__: kind for kind in kinds}
    if not isinstance(value, dict) or not isinstance(value.get(KIND), str):
        raise ValueError(
            f'{where} must be an object with a "{KIND}", one of {", ".join(sorted(allowed))}; got {brief(value)}'
        )
    if value[KIND] not in allowed:
        raise ValueError(f"{where}.{KIND} is {value[KIND]!r}, none of {', '.join(sorted(allowed))}")
    kind = allowed[value[KIND]]
    hints = typing.get_type_hints(kind)
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = [key for key in value if key != KIND and key not in known]
    if unknown:
        raise ValueError(f"{where}.{unknown[0]} is unknown: {value[KIND]} has {', '.join(known)}")
    given = {key: cast(value[key], hints[key], allowed, f"{where}.{key}") for key in known if key in value}
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where} does not make a {value[KIND]}: {error}") from error


def cast(value: Any, hint: Any, allowed: dict[str, type], where: str) -> Any:
    """`value` as the annotation `hint` wants it, lists made tuples; raises ValueError naming `where` if it is not."""
    origin = get_origin(hint)
    if hint is Any:
        return value
    if origin is Literal:
        return require(value in get_args(hint) and type(value) in map(type, get_args(hint)), value, hint, where)
    if origin in (Union, types.UnionType):
        return one_of(value, get_args(hint), allowed, where)
    if origin is tuple:
        return cast_tuple(value, get_args(hint), allowed, where)
    if hint is float:
        return float(require(isinstance(value, (int, float)) and not isinstance(value, bool), value, hint, where))
    if hint in (int, str, bool):
        return require(type(value) is hint, value, hint, where)
    if hint is type(None):
        return require(value is None, value, "null", where)
    return from_json(value, allowed.values(), where)


def one_of(value: Any, hints: tuple[Any, ...], allowed: dict[str, type], where: str) -> Any:
    """The first alternative that fits; where one alternative is a dataclass and none fits, its own error."""
    errors = []
    for hint in hints:
        try:
            return cast(value, hint, allowed, where)
        except ValueError as error:
            errors.append(str(error))
    raise ValueError(max(errors, key=len) if isinstance(value, dict) else " or ".join(errors))


def cast_tuple(value: Any, hints: tuple[Any, ...], allowed: dict[str, type], where: str) -> tuple[Any, ...]:
    """A list as a tuple: of any length if the annotation ends in `…`, of exactly its length else."""
    require(isinstance(value, (list, tuple)), value, "a list", where)
    if len(hints) == 2 and hints[1] is Ellipsis:
        hints = hints[:1] * len(value)
    require(len(value) == len(hints), value, f"a list of {len(hints)}", where)
    return tuple(
        cast(item, hint, allowed, f"{where}[{i}]") for i, (item, hint) in enumerate(zip(value, hints, strict=True))
    )


def require(fits: bool, value: Any, wanted: Any, where: str) -> Any:
    """`value`, or a ValueError that says what `where` should be."""
    if not fits:
        name = wanted.__name__ if isinstance(wanted, type) else str(wanted).removeprefix("typing.")
        raise ValueError(f"{where} must be {name}, got {brief(value)}")
    return value


def brief(value: Any) -> str:
    """What a value is, on one line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
