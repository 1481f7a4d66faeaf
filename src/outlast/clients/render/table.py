"""Tables that fit: columns give way in a known order, and a row never takes more than the width."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress

from outlast.clients.render.paint import PLAIN, Paint
from outlast.clients.render.text import fit, pad, width_of

GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its heading, how it gives way, and its colour.

    Where the width does not suffice, the columns of the lowest rank `gives_way` shrink first, none below what it
    `wants` until all have; then none below its `least`; then `expendable` ones are left out. `paint` colours the cell
    of a row, given its text as it stands in the table.
    """

    heading: str
    wants: int = 4
    least: int = 4
    gives_way: int = 1
    expendable: bool = False
    right: bool = False
    paint: Callable[[int, str], str] | None = None


Rows = Sequence[Sequence[str]]


def table(columns: Sequence[Column], rows: Rows, width: int, paint: Paint = PLAIN) -> list[str]:
    """Return the lines of a table; a column without any text is left out."""
    columns, rows = _kept(columns, rows, [any(row[index] for row in rows) for index in range(len(columns))])
    while any(column.expendable for column in columns) and _least(columns) > width:
        last = max(index for index, column in enumerate(columns) if column.expendable)
        columns, rows = _kept(columns, rows, [index != last for index in range(len(columns))])
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


def _kept(columns: Sequence[Column], rows: Rows, keep: Sequence[bool]) -> tuple[list[Column], list[list[str]]]:
    return list(compress(columns, keep)), [list(compress(row, keep)) for row in rows]


def _least(columns: Sequence[Column]) -> int:
    return sum(column.least for column in columns) + len(GAP) * (len(columns) - 1)


def _widths(columns: Sequence[Column], rows: Rows, width: int) -> list[int]:
    sizes = [
        max([width_of(column.heading), *(width_of(row[index]) for row in rows)]) for index, column in enumerate(columns)
    ]
    over = sum(sizes) + len(GAP) * (len(columns) - 1) - width
    for floors in ([max(column.wants, column.least) for column in columns], [column.least for column in columns]):
        for rank in sorted({column.gives_way for column in columns}):
            able = [index for index, column in enumerate(columns) if column.gives_way == rank]
            while over > 0 and able:
                # The widest of a rank gives first, so that none is cut while its neighbour has room to spare.
                widest = max(able, key=lambda index: sizes[index])
                if sizes[widest] > floors[widest]:
                    sizes[widest] -= 1
                    over -= 1
                else:
                    able.remove(widest)
    return sizes


def _cell(text: str, size: int, right: bool) -> str:
    text = fit(text, size)
    return " " * (size - width_of(text)) + text if right else pad(text, size)


def _painted(cell: str, number: int, paint: Callable[[int, str], str]) -> str:
    text = cell.rstrip()
    return paint(number, text) + cell[len(text) :]


def _line(cells: Sequence[str]) -> str:
    return GAP.join(cells).rstrip()
