"""Write docs/settings.md from the table of settings: python docs/make_settings.py"""

from pathlib import Path

from outlast.settings import SETTINGS, Setting

PAGE = Path(__file__).with_name("settings.md")
NOT_YET = ("OUTLAST_LEASE",)
"""Settings that are read and checked, but that nothing acts on yet."""
HEAD = """\
# Settings

<!-- Made by docs/make_settings.py from src/outlast/settings.py. Do not edit: change that, then run it. -->

A setting comes from the first of these places that has it:

1. an option of the command line (`--data-dir`, `--store`) or an argument (`Outlast("/path")`);
2. an environment variable; an empty one counts as unset;
3. `outlast.toml` in the current directory, or else the table `[tool.outlast]` of `pyproject.toml` there;
4. the default.

`outlast config show` tells each value and where it comes from. In a file the names are lower case and without
`OUTLAST_`; a name that is not known is an error, so that a typing mistake does not pass for a setting:

```toml
# outlast.toml
jobs_data_dir = "/var/lib/outlast"
concurrency = 4
grace = "10s"
```

Booleans are `1 true yes on` or `0 false no off`, durations `500ms 30s 10m 1h 7d`. The supervisor has the settings of
the program that started it, until it leaves; a job keeps the `OUTLAST_*` variables of the program that submitted it.
"""


def page() -> str:
    """Return the text of the page."""
    now = [setting for setting in SETTINGS if setting.variable not in NOT_YET]
    later = [setting for setting in SETTINGS if setting.variable in NOT_YET]
    return "\n".join(
        [
            HEAD,
            _table(now),
            "## Not in use yet\n",
            "These are read and checked, so that a file can be written once; nothing acts on them in this version.\n",
            _table(later),
        ]
    )


def _table(settings: list[Setting]) -> str:
    rows = [f"| `{each.variable}` | `{each.key}` | {_default(each)} | {each.meaning} |\n" for each in settings]
    return "| variable | in a file | default | |\n|---|---|---|---|\n" + "".join(rows)


def _default(setting: Setting) -> str:
    return "–" if setting.default is None else f"`{setting.default}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
