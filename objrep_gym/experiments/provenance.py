"""What a result was made with: versions, the machine, the commit."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from objrep_gym import __version__


def provenance() -> dict[str, Any]:
    """Versions, the machine and, in a checkout, the commit: what a result was made with."""
    versions = {"objrep_gym": __version__, "torch": torch.__version__, "python": platform.python_version()}
    root, commit = Path(__file__).parents[2], None
    if (root / ".git").exists() and shutil.which("git"):  # an installed package may lie inside another project's checkout
        asked = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        commit = asked.stdout.strip() or None
    return {"versions": versions, "machine": machine(), "commit": commit}


def machine() -> str:
    """The processor, its cores, and the GPU where there is one."""
    listed = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", listed.read_text()) if listed.exists() else None
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{found[1] if found else platform.machine()}, {os.cpu_count()} cores{gpu}"


def told(made: Mapping[str, Any]) -> dict[str, str]:
    """Provenance in words, for the foot of a page."""
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    return {"machine": made["machine"], "versions": versions, "commit": made["commit"] or "none"}
