"""The checks of the pages catch planted faults."""

from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks, broken_links, output_fault, run_block, table

PAGE = """\
# A page

See [below](#a-page) and [another](other.md), not [this](missing.md), [that](#no-heading) or [out](../secret.md).

<!-- file: jobs.py -->
```python
x = 1
```

Text.

<!-- run -->
```sh
[not a link](nowhere.md)
```

```python
y = 2
```

| name | |
|---|---|
| `a` | one \\| two |
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path.parent / "secret.md").write_text("")
    (tmp_path / "other.md").write_text("")
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_blocks_are_found_with_their_marks(page: Path) -> None:
    found = [(block.line, block.language, block.mark, block.name) for block in blocks(page)]

    assert found == [(6, "python", "file", "jobs.py"), (13, "sh", "run", ""), (17, "python", "", "")]


def test_a_broken_link_is_found(page: Path, tmp_path: Path) -> None:
    assert broken_links(page, tmp_path) == ["missing.md", "#no-heading", "../secret.md"]


def test_a_table_is_read_below_its_heading(page: Path) -> None:
    assert table(page, "A page") == [["`a`", "one \\| two"]]


@pytest.mark.parametrize(
    ("expected", "printed", "is_same"),
    [
        ("one\n", "one\n", True),
        ("id_… done\n", "id_17 done\n", True),
        ("one\n…\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one\n", "two\n", False),
        ("one\n", "one\ntwo\n", False),
        ("id_… done\n", "id_17\ndone\n", False),
    ],
)
def test_outputs_are_compared(expected: str, printed: str, is_same: bool) -> None:
    assert (output_fault(expected, printed) is None) == is_same


def test_a_block_that_fails_is_named_with_what_it_said(page: Path, tmp_path: Path) -> None:
    block = Block(page=page, line=3, language="sh", text="echo first; false; echo second")

    with pytest.raises(AssertionError, match=r"page.md:3 ended with 1:\nfirst\n$"):
        run_block(block, tmp_path)
