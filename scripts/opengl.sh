#!/bin/sh
# Prints the OpenGL library that draws here without a display (egl, else osmesa). Where there is none, installs one if
# it may (root, apt-get); otherwise stops, and the error says the one command that would.
#   scripts/opengl.sh .venv/bin/python
set -eu
python=$1

probe() {
    "$python" - <<'PROBE'
import sys

from objrep_gym.scenes.headless import probe

try:
    print(probe())
except Exception as error:
    sys.exit(str(error))
PROBE
}

probe 2>/dev/null && exit
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "No OpenGL library draws here without a display: installing one." >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null || true
    for packages in 'libegl1 libgl1' libosmesa6; do
        # shellcheck disable=SC2086  # several packages
        apt-get install -y -qq --no-install-recommends $packages >/dev/null && probe 2>/dev/null && exit
    done
fi
probe
