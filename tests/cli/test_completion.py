"""Shell completion: quick, silent, and it knows what lies in the store."""

import pytest

from tests.cli.shell import Shell


def completed(shell: Shell, *words: str, kind: str = "zsh", code: int = 0) -> list[tuple[str, str]]:
    """Return what a shell offers for the last of the words, each with its help text."""
    line = " ".join(["outlast", *words])
    asked = {"_OUTLAST_COMPLETE": f"{kind}_complete", "COMP_WORDS": line}
    said = shell.outlast(env={**asked, "COMP_CWORD": str(len(words))}, code=code)
    assert said.err == ""
    lines = said.out.splitlines()
    if kind == "bash":
        return [(line.partition(",")[2], "") for line in lines if line]
    return list(zip(lines[1::3], lines[2::3], strict=True))


def test_commands_and_options_are_offered(shell: Shell) -> None:
    assert [word for word, _ in completed(shell, "l")] == ["list", "logs"]
    assert {"--verbose", "--json", "--data-dir"} <= {word for word, _ in completed(shell, "show", "--")}


def test_keys_are_offered_unless_a_shell_would_read_them_otherwise(shell: Shell) -> None:
    for key in ("mirror:2025-09-20", "mirror:$(id)", "mirror: two", "mirror:a,b", "mirror:'", "mirror:*"):
        shell.outlast("submit", "jobs.py:add", "a=1", f"--key={key}", code=0)

    assert [word for word, _ in completed(shell, "show", "mirr", kind="bash")] == ["mirror:2025-09-20"]
    assert [word for word, _ in completed(shell, "list", "key:", kind="bash")] == ["key:mirror:2025-09-20"]


def test_ids_are_offered_with_kind_and_status(shell: Shell) -> None:
    first = shell.outlast("submit", "jobs.py:add", "a=1", code=0).id
    second = shell.outlast("submit", "jobs.py:count", "--delay", "1h", code=0).id

    assert completed(shell, "show", "count_") == [(second, "count waiting (time)")]
    assert {word for word, _ in completed(shell, "cancel", "")} == {first, second}
    assert [word for word, _ in completed(shell, "cancel", first, "")] == [second]
    short = first.rpartition("_")[2]
    assert completed(shell, "show", short[:4]) == [(short[:8], "add queued")]


@pytest.mark.parametrize(
    ("kind", "words"), [("zsh", ["list", "status:"]), ("bash", ["list", "status:"]), ("fish", ["list", "status:"])]
)
def test_statuses_are_offered(shell: Shell, kind: str, words: list[str]) -> None:
    if kind == "fish":
        asked = {"_OUTLAST_COMPLETE": "fish_complete", "COMP_WORDS": "outlast list status:", "COMP_CWORD": "status:"}
        assert "status:failed" in shell.outlast(env=asked, code=0).out
        return

    offered = [word for word, _ in completed(shell, *words, kind=kind)]

    assert len(offered) == 6
    assert offered[0] == "status:queued"


def test_kinds_are_offered(shell: Shell) -> None:
    shell.outlast("submit", "jobs.py:add", "a=1", code=0)

    assert [word for word, _ in completed(shell, "list", "kind:a")] == ["kind:add"]
    assert [word for word, _ in completed(shell, "list", "kind:a", kind="bash")] == ["kind:add"]


def test_fields_and_values_of_a_query_are_offered(shell: Shell) -> None:
    labels = ["--label", "env=prod", "--label", "team=blue", "--account", "alice", "--queue", "slow"]
    shell.outlast("submit", "jobs.py:add", "a=1", *labels, code=0)

    def offered(*words: str) -> list[str]:
        return [word for word, _ in completed(shell, *words, kind="bash")]

    assert offered("list", "l") == ["label.env:", "label.team:"]
    assert offered("list", "label.env:") == ["label.env:prod"]
    assert offered("list", "account:") == ["account:alice"]
    assert offered("list", "queue:s") == ["queue:slow"]
    assert offered("list", "reason:out") == ["reason:out_of_memory"]
    assert offered("list", "-stat") == ["-status:"]
    assert offered("list", "-status:fa") == ["-status:failed"]
    assert offered("cancel", "--match", "'kind:add qu") == ["kind:add queue:"]
    assert offered("list", "nonsense:") == []


def test_groups_of_failures_are_offered(live: Shell) -> None:
    live.outlast("submit", "jobs.py:stumble", "--wait", code=1)
    [group] = live.outlast("failures", "--json", code=0).object["failures"]

    assert completed(live, "failures", group["group"][:2]) == [(group["group"], "ValueError: no good")]


def test_completion_where_nothing_is_creates_nothing(shell: Shell) -> None:
    assert completed(shell, "show", "") == []
    assert not shell.data_dir.exists()


def test_completion_uses_the_data_directory_of_the_line(shell: Shell) -> None:
    other = str(shell.directory / "other")
    job_id = shell.outlast("submit", "jobs.py:add", "a=1", "--data-dir", other, code=0).id

    assert [word for word, _ in completed(shell, "--data-dir", other, "show", "")] == [job_id]


def test_completion_is_silent_about_errors(shell: Shell) -> None:
    shell.data_dir.mkdir(parents=True)
    (shell.data_dir / "jobs.db").write_bytes(b"no database" * 1_000)

    assert completed(shell, "show", "", code=1) == []


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell: Shell, name: str) -> None:
    script = shell.outlast("completion", name, code=0).out

    assert "_OUTLAST_COMPLETE" in script
    assert shell.outlast("completion", name, "--json", code=0).object == {"shell": name, "script": script[:-1]}


def test_bash_takes_the_script(shell: Shell) -> None:
    said = shell.bash('eval "$(outlast completion bash)"; complete -p outlast')

    assert said.err == ""
    assert "_outlast_completion" in said.out
