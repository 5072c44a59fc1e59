#!/bin/sh
# Makes the virtual environment: torch first and by exact version, then the package with its tools.
#   PYTHON=python3.12 scripts/install.sh VENV TORCH [replace]
set -eu
venv=$1 torch=$2 replace=${3:-}
python=$venv/bin/python
public_cpu_builds=https://download.pytorch.org/whl/cpu

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "No Python 3.11 or newer among: ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12" >&2
    return 1
}

pip() { "$python" -m pip --disable-pip-version-check "$@"; }

# On Linux, PyPI's plain torch is the CUDA build, gigabytes larger: "+cpu" is asked for where the machine's own settings
# (an index, find-links) have it, then at the public place for CPU builds; plain torch is right where neither answers.
install_torch() {
    case $(uname -s),$torch in
    *,*+*) pip install "torch==$torch" || pip install "torch==$torch" --extra-index-url "${public_cpu_builds%/*}/${torch#*+}" ;;
    Linux,*)
        # That the first place has no such build is no error, unless the others have none either.
        pip install "torch==$torch+cpu" 2>"$venv/torch.log" ||
            pip install "torch==$torch+cpu" --extra-index-url "$public_cpu_builds" ||
            pip install "torch==$torch" ||
            { cat "$venv/torch.log" >&2 && return 1; }
        ;;
    *) pip install "torch==$torch" ;;
    esac
}

"$python" -c pass 2>/dev/null || "$(find_python)" -m venv --clear "$venv"
installed_torch() { "$python" -c 'from importlib.metadata import version; print(version("torch"))' 2>/dev/null; }
if [ -n "$replace" ] || [ -z "$(installed_torch)" ]; then install_torch; fi

# uv resolves in seconds what takes pip minutes. The constraint keeps it from replacing torch by another build. Its
# settings are its own, so where it does not find the packages, pip with the machine's settings does.
echo "torch==$(installed_torch)" >"$venv/constraints.txt"
pip install --quiet uv
"$python" -m uv pip install --compile-bytecode --python "$python" --constraint "$venv/constraints.txt" --editable '.[dev]' ||
    pip install --constraint "$venv/constraints.txt" --editable '.[dev]'
