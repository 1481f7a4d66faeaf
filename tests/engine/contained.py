"""What runs in another pid namespace: a supervisor, and a first process that keeps the namespace until stdin ends."""

import sys

from outlast.app import launch_of, prepare_places
from outlast.settings import load_settings

if __name__ == "__main__":
    settings = load_settings()
    launch_of(settings, prepare_places(settings)).start()
    print("started", flush=True)
    sys.stdin.read()
