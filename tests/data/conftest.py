"""Unpacked shards go to a folder that ends with the tests, not to the user's cache. Said before `datasets` is imported."""

import atexit
import os
import shutil
import tempfile

CACHE = tempfile.mkdtemp(prefix="objrep-gym-datasets-")
os.environ["HF_DATASETS_CACHE"] = CACHE
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)
