"""`python -m objrep_gym` is `objrep-gym`."""

import sys

from objrep_gym.cli import main

if __name__ == "__main__":
    sys.exit(main())
