"""The examples of long commands are killed with SIGKILL on their way, go on, and end with the same result."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from outlast.core.job import Job
from outlast.core.query import Query
from tests.docs.test_examples import FOLDER, SECONDS
from tests.waiting import eventually
from tests.workshop import Workshop

Check = Callable[[Path], None]


def copies(place: Path) -> None:
    """Every file is there once, whole, and nothing else."""
    trees = [
        {str(path.relative_to(tree)): path.read_text() for path in tree.rglob("*") if path.is_file()}
        for tree in (place / "photos", place / "photos.copy")
    ]
    assert len(trees[0]) == 12
    assert trees[0] == trees[1]


def encodes(place: Path) -> None:
    """The parts joined are the recording."""
    assert gzip.decompress((place / "recording.gz").read_bytes()) == (place / "recording.raw").read_bytes()
    assert sorted(path.name for path in place.glob("recording*")) == ["recording.gz", "recording.raw"]


def trains(place: Path) -> None:
    """The model is the one of an undisturbed training."""
    calm = place / "calm"
    calm.mkdir()
    environment = {**os.environ, "OUTLAST_JOB_ID": "x", "OUTLAST_CURSOR_FILE": str(calm / "cursor")}
    environment["OUTLAST_PROGRESS_FILE"] = str(calm / "progress")
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, str(FOLDER / "train_model.py")]
    subprocess.run(command, cwd=calm, env=environment, check=True, capture_output=True, timeout=SECONDS)
    assert json.loads((place / "model.json").read_text()) == json.loads((calm / "model.json").read_text())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return an empty directory for the example."""
    directory = tmp_path / "place"
    directory.mkdir()
    return directory


def newest(workshop: Workshop) -> Job | None:
    return next(iter(workshop.service.page(Query(), limit=1).jobs), None)


@pytest.mark.parametrize(
    ("name", "begins", "done", "check"),
    [
        ("copy_tree.sh", r"begins after (\d+) of", r"copied (.+)", copies),
        ("encode_segments.sh", r"begins with segment (\d+)", r"encoded segment (\d+)", encodes),
        ("train_model.py", r"begins after epoch (\d+)", r"epoch (\d+):", trains),
    ],
    ids=["copy", "encode", "train"],
)
def test_a_killed_example_goes_on_and_ends_with_the_same(
    name: str, begins: str, done: str, check: Check, place: Path, workshop: Workshop
) -> None:
    command = [sys.executable if name.endswith(".py") else "sh", str(FOLDER / name)]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True) as follower:
        job = eventually(lambda: newest(workshop), what="the job", timeout=SECONDS)

        # The file: what a command remembers there outlives it also between two looks of its job.
        eventually(workshop.places.cursor_file(job.id).exists, what="the first cursor", timeout=SECONDS)
        process = workshop.service.details(workshop.service.get(job.id)).process
        assert process is not None, "the example ended before it could be killed"
        os.kill(process.pid, 9)
        told, _ = follower.communicate(timeout=SECONDS)

    log = workshop.places.log(job.id).read_text()
    first, *rest = [int(number) for number in re.findall(begins, log)]
    assert first == 0
    assert rest, log
    assert all(number > 0 for number in rest)
    worked = re.findall(done, log)
    assert len(worked) - len(set(worked)) <= len(rest)
    assert "died after" in told
    assert "It went on (attempt 2" in told
    assert workshop.service.get(job.id).status == "completed"
    check(place)


def test_a_broken_cursor_file_gives_way_to_the_saved_cursor(place: Path, workshop: Workshop) -> None:
    (place / "work.sh").write_text(
        "echo found $(cat $OUTLAST_CURSOR_FILE 2> /dev/null)\n"
        "[ -e again ] && exit 0\n"
        "touch again; echo 41 > $OUTLAST_CURSOR_FILE.new; mv $OUTLAST_CURSOR_FILE.new $OUTLAST_CURSOR_FILE\n"
        "until [ -e broken ]; do :; done; printf '{half' > $OUTLAST_CURSOR_FILE; exit 3\n"
    )
    outlast = str(Path(sys.executable).with_name("outlast"))
    words = ["run", "--max-attempts", "2", "--backoff", "10ms", "--", "sh", "work.sh"]
    job_id = subprocess.run([outlast, *words], cwd=place, capture_output=True, text=True, check=True).stdout.strip()
    job = workshop.service.get(job_id)
    eventually(lambda: workshop.service.details(job).cursor == "41", what="the cursor to be saved", timeout=SECONDS)
    (place / "broken").touch()

    eventually(lambda: workshop.service.get(job_id).status == "completed", what="the second try", timeout=SECONDS)

    assert re.findall("found.*", workshop.places.log(job_id).read_text()) == ["found", "found 41"]
