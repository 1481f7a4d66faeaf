"""`config show`: every value, where it comes from, and no secret."""

from tests.cli.shell import Shell


def test_every_origin_is_named(shell: Shell) -> None:
    (shell.directory / "outlast.toml").write_text('retention = "2h"\n')
    del shell.environment["OUTLAST_AUTOSTART"]

    said = shell.outlast("config", "show", "--json", "--data-dir", "here", env={"OUTLAST_GRACE": "7s"}, code=0)

    shown = said.object
    assert shown["JOBS_DATA_DIR"] == {"value": str(shell.directory / "here"), "origin": "flag"}
    assert shown["OUTLAST_GRACE"] == {"value": "7s", "origin": "environment"}
    assert shown["OUTLAST_RETENTION"] == {"value": "2h", "origin": "outlast.toml"}
    assert shown["OUTLAST_AUTOSTART"]["origin"] == "default"
    assert shown["OUTLAST_TOKEN"] == {"value": None, "origin": "default"}
    assert not (shell.directory / "here").exists()


def test_secrets_are_never_shown(shell: Shell) -> None:
    secrets = {
        "OUTLAST_TOKEN": "s3cret-token",
        "DATABASE_URL": "postgresql://bob:s3cret@host:5432/db?sslmode=require&password=s3cret",
        "CONSENSUS_API_URL": "https://bob:s3cret@example.org/?api_key=s3cret",
        "OUTLAST_ON_END": "https://hook.example.org/?token=s3cret",
    }

    shown = shell.outlast("config", "show", env=secrets, code=0).out
    as_json = shell.outlast("config", "show", "--json", env=secrets, code=0).object

    assert "s3cret" not in shown + str(as_json)
    assert as_json["DATABASE_URL"]["value"] == "postgresql://bob:•••@host:5432/db?sslmode=require&password=•••"
    assert shell.outlast("config", "show", env={"DATABASE_URL": "host=h password=s3cret"}).out.count("s3cret") == 0


def test_the_settings_fit_the_screen(shell: Shell) -> None:
    said = shell.outlast("config", "show", env={"OUTLAST_ON_END": "x" * 200}, code=0)

    assert max(map(len, said.out.splitlines())) <= 80
    assert "JOBS_DATA_DIR" in said.out


def test_a_wrong_file_is_named(shell: Shell) -> None:
    (shell.directory / "outlast.toml").write_text("retention = \n")

    assert "outlast.toml" in shell.outlast("config", "show", "--json", code=2).error["message"]
