"""`outlast pow`: what is submitted, what is refused, how it ends."""

import hashlib

import pytest

from tests.cli.screens import check_screen
from tests.cli.shell import Shell

OPTIONS = ("--player", "1-11", "--block-start", "1000", "--block-height", "9000")
BUILD = ("pow", "struct_build_complete", "2-2", *OPTIONS)


def test_the_help(shell: Shell) -> None:
    check_screen("help-pow", shell.outlast("pow", "-h", code=0).out)


def test_with_wait_and_json_the_job_object_holds_the_proof(live: Shell) -> None:
    said = live.outlast(*BUILD, "--wait", "--json", code=0)

    proof = said.object["result"]["proof_of_work"]
    assert said.object["kind"] == "pow"
    assert proof["nonce"] == "216755"
    assert proof["hash"] == hashlib.sha256(b"2-2BUILD1000NONCE216755").hexdigest()
    assert said.object["result"]["transaction"]["status"] == "skipped"


def test_a_raid_searches_for_fleet_at_planet(live: Shell) -> None:
    said = live.outlast(
        "pow", "planet_raid_complete", "9-2", *OPTIONS, "--target-id", "2-7", "--wait", "--json", code=0
    )

    proof = said.object["result"]["proof_of_work"]
    assert proof["hash"] == hashlib.sha256(f"9-2@2-7RAID1000NONCE{proof['nonce']}".encode()).hexdigest()
    assert proof["hash"].startswith("00000")


def test_without_wait_it_prints_the_id_and_stores_every_argument(shell: Shell) -> None:
    said = shell.outlast(*BUILD, "--difficulty", "20000", "--max-iterations", "7", "--key", "build:2-2", code=0)

    shown = shell.outlast("show", said.id, "--verbose", "--json", code=0).object
    assert shown["key"] == "build:2-2"
    assert shown["args"]["kwargs"] == {
        "action": "struct_build_complete",
        "entity": "2-2",
        "player": "1-11",
        "block_start": 1000,
        "block_height": 9000,
        "difficulty": 20_000,
        "target_id": None,
        "max_iterations": 7,
        "simulate": None,
        "processes": 1,
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("build", "2-2", *OPTIONS), "'struct_build_complete', 'planet_raid_complete', 'ore_miner_complete', 'ore_ref"),
        (("ore_miner_complete", "2-2", *OPTIONS, "--simulate", "5"), "block_height and simulate exclude each other."),
        (("ore_miner_complete", "2-2", *OPTIONS, "--processes", "0"), "processes is 0."),
        (("ore_miner_complete", "2-2", *OPTIONS[2:]), "--player"),
        (("ore_miner_complete", "2-2", *OPTIONS, "--difficulty", "1"), "difficulty is 1."),
        (("ore_miner_complete", "2-2", *OPTIONS, "--max-iterations", "0"), "max_iterations is 0."),
        (("ore_miner_complete", "2-2", *OPTIONS, "--target-id", "2-7"), "has no target"),
        (("ore_miner_complete", "", *OPTIONS), "The entity is ''."),
        (("ore_miner_complete", "2-2", *OPTIONS, "--block-start", "many"), "'many' is not a valid integer"),
    ],
)
def test_a_wrong_call_is_refused_and_nothing_is_stored(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    said = shell.outlast("pow", *arguments, "--json", code=2)

    assert said.error["code"] == "usage"
    assert words in said.error["message"]
    assert not (shell.data_dir / "jobs.db").exists()


def test_a_search_that_cannot_begin_is_a_failed_job(live: Shell) -> None:
    said = live.outlast(*BUILD[:-1], "7700", "--wait", code=1)

    assert "6 zeros are needed at age 6700" in said.out
    assert "Set TARGET_DIFFICULTY_START=6 and max_iterations to 8388608" in said.out


def test_target_difficulty_start_may_stand_in_a_file(live: Shell) -> None:
    (live.directory / "outlast.toml").write_text("target_difficulty_start = 4\n")

    said = live.outlast(*BUILD, "--wait", code=1)

    assert "at most 4 (TARGET_DIFFICULTY_START)" in said.out
