"""A supervisor that leaves soon: `idle.py SECONDS [CONCURRENCY]`, in the directory that JOBS_DATA_DIR names."""

import os
import sys

from outlast.app import supervise
from outlast.core.errors import Busy
from outlast.settings import load_settings

if __name__ == "__main__":
    try:
        supervise(load_settings(), idle_seconds=float(sys.argv[1]))
    except Busy:
        os._exit(3)
    os._exit(0)
