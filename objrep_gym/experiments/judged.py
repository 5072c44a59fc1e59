"""What models got in an exam, measured once: a note of it lies below the root of trained models, and holds until the model
has learned on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from objrep_gym import weights
from objrep_gym.configs import to_json
from objrep_gym.data import open_source, whole
from objrep_gym.data.watching import watching
from objrep_gym.experiments.judge import Exam, baselines, judge, summary
from objrep_gym.experiments.kinds import Performed
from objrep_gym.experiments.trained import Effort
from objrep_gym.processes import own_device

NOTES = "judged"


def judged_once(found: Mapping[str, Performed], exam: Exam, effort: Effort) -> dict[str, dict[str, Any]]:
    """Metrics of every model, by its address, and of every baseline, by its name."""
    paths = {address: effort.root / NOTES / f"{address.replace('/', '-')}.json" for address in found}
    kept = {address: recall(paths[address], performed, exam) for address, performed in found.items()}
    models = {
        address: weights.load(found[address].folder, own_device()) for address, known in kept.items() if known is None
    }
    source = open_source(exam.data, exam.seed, exam.split)
    try:
        with watching(f"judge {exam.data}", exam.count, effort.progress) as show:
            scores = judge(models | baselines(source.size), source, exam, lambda done: show(done, "scenes"))
    finally:
        source.close()
    fresh = {name: summary(score) for name, score in scores.items()}
    for address in models:
        remember(paths[address], found[address], exam, fresh[address])
    return {address: known for address, known in kept.items() if known is not None} | fresh


def recall(path: Path, found: Performed, exam: Exam) -> dict[str, Any] | None:
    """What was measured at this step in this exam."""
    notes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return next((note["scores"] for note in notes if note["of"] == occasion(found, exam)), None)


def remember(path: Path, found: Performed, exam: Exam, scores: Mapping[str, Any]) -> None:
    """Keep what was measured; what an earlier step got is forgotten."""
    notes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    notes = [note for note in notes if note["of"]["step"] == found.step]
    notes.append({"of": occasion(found, exam), "scores": dict(scores)})
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.write(path, json.dumps(notes, indent=2) + "\n")


def occasion(found: Performed, exam: Exam) -> dict[str, Any]:
    return {"step": found.step, "exam": to_json(exam)}
