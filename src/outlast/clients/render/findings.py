"""The screen of an examination."""

from collections.abc import Sequence

from outlast.clients.render.jobs import Screen
from outlast.clients.render.text import pad, visible, wrap
from outlast.core.findings import Finding, Level

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}
_LEVEL_WIDTH = max(map(len, Level))


def findings_screen(findings: Sequence[Finding], screen: Screen) -> list[str]:
    """Return the lines of what was found: level, name, sentence, and what mends it."""
    names = max((len(finding.name) for finding in findings), default=0)
    indent = _LEVEL_WIDTH + names + 4
    lines: list[str] = []
    for finding in findings:
        texts = wrap(visible(finding.says), screen.width - indent)
        if finding.fix:
            first, *rest = wrap(visible(finding.fix), screen.width - indent - 2)
            texts += [f"→ {first}", *(f"  {line}" for line in rest)]
        level = screen.paint(pad(finding.level, _LEVEL_WIDTH), _COLOURS[finding.level])
        lines.append(f"{level}  {pad(finding.name, names)}  {texts[0]}")
        lines += [" " * indent + line for line in texts[1:]]
    return lines


def findings_object(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Return the same for a program."""
    return [
        {"name": finding.name, "status": str(finding.level), "message": finding.says, "fix": finding.fix}
        for finding in findings
    ]
