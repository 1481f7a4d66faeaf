"""Tables that fit: columns give way in a known order, and a row never takes more than the width."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from outlast.clients.render.paint import PLAIN, Paint
from outlast.clients.render.text import fit, pad, width_of

GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its heading, the width it never falls below, and how soon it gives way (0 first).

    `paint` colours the cell of a row, given its text as it stands in the table.
    """

    heading: str
    least: int = 4
    gives_way: int = 1
    right: bool = False
    paint: Callable[[int, str], str] | None = None


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int, paint: Paint = PLAIN) -> list[str]:
    """Return the lines of a table; a column without any text is left out."""
    kept = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    columns = [columns[index] for index in kept]
    rows = [[row[index] for index in kept] for row in rows]
    widths = _widths(columns, rows, width)
    head = _line([_cell(column.heading, size, column.right) for column, size in zip(columns, widths, strict=True)])
    lines = [paint(head, "bold")]
    for number, row in enumerate(rows):
        cells = []
        for column, text, size in zip(columns, row, widths, strict=True):
            cell = _cell(text, size, column.right)
            cells.append(cell if column.paint is None else _painted(cell, number, column.paint))
        lines.append(_line(cells))
    return lines


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    natural = [
        max([width_of(column.heading), *(width_of(row[index]) for row in rows)]) for index, column in enumerate(columns)
    ]
    over = sum(natural) + len(GAP) * (len(columns) - 1) - width
    for rank in sorted({column.gives_way for column in columns}):
        while over > 0:
            # The widest of a rank gives first, so that none is cut while its neighbour has room to spare.
            able = [i for i, c in enumerate(columns) if c.gives_way == rank and natural[i] > max(c.least, 1)]
            if not able:
                break
            widest = max(able, key=lambda i: natural[i])
            natural[widest] -= 1
            over -= 1
    return natural


def _cell(text: str, size: int, right: bool) -> str:
    text = fit(text, size)
    return " " * (size - width_of(text)) + text if right else pad(text, size)


def _painted(cell: str, number: int, paint: Callable[[int, str], str]) -> str:
    text = cell.rstrip()
    return paint(number, text) + cell[len(text) :]


def _line(cells: Sequence[str]) -> str:
    return GAP.join(cells).rstrip()
