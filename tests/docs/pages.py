"""The pages of the documentation: their code blocks, their links, and how a block is run.

A comment on the line before a block says what it is for:

    <!-- run -->            shell: run it in the page's directory
    <!-- file: NAME -->     keep it as this file there; nothing is run
    <!-- output -->         what the block before it printed; `…` stands for any text
    <!-- fragment -->       Python that is no whole program: it must only compile

A Python block without a comment is run as a program.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
SECONDS = 60.0
"""Far more than any block needs: a block that hangs must fail in words."""

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_MARK = re.compile(r"<!-- (run|output|fragment|file)(?:: (.+?))? -->\Z")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One code block; `mark` is the word of the comment before it, `name` what follows the colon."""

    page: Path
    line: int
    language: str
    text: str
    mark: str = ""
    name: str = ""

    @property
    def place(self) -> str:
        """Return `docs/python.md:12`."""
        return f"{page_name(self.page)}:{self.line}"


def page_name(page: Path) -> str:
    """Return the path of a page below the project; of any other its name."""
    return str(page.relative_to(ROOT)) if page.is_relative_to(ROOT) else page.name


def blocks(page: Path) -> Iterator[Block]:
    """Yield the code blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        mark = _MARK.match(_line_before(text, match.start()))
        word, name = (mark[1], mark[2] or "") if mark else ("", "")
        line = text.count("\n", 0, match.start()) + 1
        body = re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)
        yield Block(page=page, line=line, language=match[2], text=body, mark=word, name=name)


def _line_before(text: str, position: int) -> str:
    return text[:position].rstrip("\n").rpartition("\n")[2].strip()


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Return the targets of the links of a page."""
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    return {_anchor(heading) for heading in _HEADING.findall(prose(page))}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(page: Path, root: Path = ROOT) -> list[str]:
    """Return the links of a page that lead to no file below `root`, or to no heading; the web is not asked."""
    return [link for link in links(page) if not link.startswith("https://") and not _resolves(page, link, root)]


def _resolves(page: Path, link: str, root: Path) -> bool:
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists() or not target.is_relative_to(root):
        return False
    return not anchor or anchor in anchors(target)


def table(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    text = page.read_text(encoding="utf-8")
    below = text[text.index(f"# {heading}\n") :]
    rows = re.search(r"(?:^\|.*\|\n)+", below, re.MULTILINE)
    assert rows is not None, f"{page_name(page)} has no table below {heading!r}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[0].splitlines()[2:]]


def words(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def run_block(block: Block, directory: Path) -> str:
    """Run a block in `directory` and return what it printed; fail with its output unless it ends with 0."""
    if block.language == "python":
        script = directory / f"block_{block.line}.py"
        script.write_text(block.text, encoding="utf-8")
        command = [sys.executable, script.name]
    else:
        command = ["sh", "-eu", "-c", block.text]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{block.place} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


def output_fault(expected: str, printed: str) -> str | None:
    """Return how the two differ, None if `printed` is what was `expected`; `…` stands for any text in its line."""
    pattern = r"\n".join(_line_pattern(line) for line in expected.rstrip("\n").splitlines())
    if re.fullmatch(pattern, printed.rstrip("\n")):
        return None
    return f"expected:\n{expected}printed:\n{printed}"


def _line_pattern(line: str) -> str:
    if line.strip() == "…":
        return r"[^\x00]*?"
    return ".*".join(re.escape(part) for part in line.split("…"))
