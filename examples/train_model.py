"""Train a model as a shell command that keeps its checkpoints, without importing Outlast.

    python train_model.py

Started by hand it runs itself as a job and shows how far it is. After each epoch it writes a checkpoint, and into its
cursor file which one. Killed, it goes on after the last epoch, and the model is the same as if nothing had happened.
"""

import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

EPOCHS = 12
SAMPLES = 400
Weights = list[float]


def samples() -> list[tuple[Weights, int]]:
    """Return points and on which side of a line they lie; the same ones every time."""
    chance = random.Random(1)
    points = [[chance.uniform(-1, 1), chance.uniform(-1, 1), 1.0] for _ in range(SAMPLES)]
    return [(point, int(2 * point[0] - point[1] + 0.3 > 0)) for point in points]


def train(weights: Weights, epoch: int) -> float:
    """Go once through all samples, in an order that depends on the epoch alone; return the mean loss."""
    loss = 0.0
    points = samples()
    random.Random(epoch).shuffle(points)
    for point, side in points:
        guess = 1 / (1 + math.exp(-sum(w * x for w, x in zip(weights, point, strict=True))))
        loss -= math.log(guess if side else 1 - guess)
        for n, x in enumerate(point):
            weights[n] += 0.1 * (side - guess) * x
    return loss / len(points)


def replace(path: Path, value: Any) -> None:
    """Put JSON in the place of a file: whole or not at all."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value))
    new.replace(path)


def main() -> None:
    cursor_file = Path(os.environ["OUTLAST_CURSOR_FILE"])
    cursor = json.loads(cursor_file.read_text()) if cursor_file.exists() else {"epoch": 0, "checkpoint": None}
    weights = json.loads(Path(cursor["checkpoint"]).read_text()) if cursor["checkpoint"] else [0.0, 0.0, 0.0]
    print(f"begins after epoch {cursor['epoch']}", flush=True)
    for epoch in range(cursor["epoch"] + 1, EPOCHS + 1):
        loss = train(weights, epoch)
        checkpoint = Path(f"checkpoint-{epoch}.json")
        replace(checkpoint, weights)
        replace(cursor_file, {"epoch": epoch, "checkpoint": str(checkpoint)})
        print(f"epoch {epoch}: loss {loss:.4f}", flush=True)
        subprocess.run(["outlast", "progress", str(epoch), str(EPOCHS), f"loss {loss:.4f}"], check=True)
    replace(Path("model.json"), weights)


if __name__ == "__main__":
    if "OUTLAST_JOB_ID" in os.environ:
        main()
    else:
        command = ["outlast", "run", "--on-interrupt", "resume", "--follow", "--", sys.executable, __file__]
        raise SystemExit(subprocess.run(command).returncode)
