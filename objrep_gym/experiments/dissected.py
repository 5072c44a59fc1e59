"""What slots told of objects, found out once: a note of it lies below the root of trained models, by the model's weights:
it holds whatever the model is called, and until it has learned on."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from objrep_gym.configs import to_json
from objrep_gym.data import whole
from objrep_gym.data.batches import Source
from objrep_gym.data.watching import watching
from objrep_gym.experiments.dissection import Name, dissect, gather
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.trained import Effort
from objrep_gym.models.base import SlotModule

NOTES = "by_property"


def dissected_once(
    models: Mapping[Name, SlotModule], source: Source, exam: Exam, effort: Effort
) -> dict[tuple[Name, str], dict[str, Any]]:
    """What `dissect` says of every model, by its own masks and by true ones, in the first scenes of `source`."""
    paths = {name: effort.root / NOTES / f"{fingerprint(model)}.json" for name, model in models.items()}
    known = {name: recall(path, exam) for name, path in paths.items()}
    fresh = {name: model for name, model in models.items() if known[name] is None}
    if fresh:
        with watching(f"dissect {exam.data}", exam.count, effort.progress) as show:
            gathered = gather(fresh, source, exam, lambda seen: show(seen, "scenes"))
        for name in fresh:
            known[name] = {masks: dissect(told) for (other, masks), told in gathered.items() if other == name}
            remember(paths[name], exam, known[name] or {})
    return {(name, masks): record for name, told in known.items() for masks, record in (told or {}).items()}


def fingerprint(model: SlotModule) -> str:
    """Sixteen hexadecimal digits of all that a model's slots depend on."""
    described = hashlib.sha256(json.dumps(to_json(model.config), sort_keys=True).encode())
    for name, value in model.state_dict().items():
        described.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return described.hexdigest()[:16]


def recall(path: Path, exam: Exam) -> dict[str, dict[str, Any]] | None:
    """What was found in this exam, by kind of masks."""
    return next((note["told"] for note in notes(path) if note["exam"] == to_json(exam)), None)


def remember(path: Path, exam: Exam, told: Mapping[str, Any]) -> None:
    """Keep what was found."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [*notes(path), {"exam": to_json(exam), "told": dict(told)}]
    whole.write(path, json.dumps(kept, indent=2) + "\n")


def notes(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
