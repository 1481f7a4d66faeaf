"""Names that a path, a terminal, a page or a shell could take for something else."""

import unicodedata

HOSTILE = (
    *("../../etc/passwd", "/etc/x", "..", ".", "", " ", "   ", "-rf", "--help", "~root", "CON", "nul", "a:b"),
    *("x.", "x ", ".x", "nul\0", "line\nbreak", "tab\t", "esc\x1b[31m", "a" * 255, "a" * 256, "a" * 300, "a" * 10_000),
    *("é" * 128, unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é"), "case", "Case", "CASE"),
    *("ß", "ss", "\u212a", "K", "k", "zero\u200bwidth", "\u202ertl", "👩‍👩‍👧‍👦", "\ud800", "\udfff", "😀x"),
    *("<script>alert(1)</script>", "{{7*7}}", "%2e%2e%2f", "%2E", "%", "~", "'; drop table", "$(id)", "`id`", "=cmd|x"),
    *("a/b", "a_b", "a%2Fb", "user@email.com", "a+b", "\\", "*", "?", ".worker-1", "x-2025-09-20", "-2025-09-20"),
    *("x.json", ".x.journal", "x.journal.reset-20250920T000000Z", "lost+found", "\u2028", "ﷺ" * 60, "\x7f"),
)


def hostile_names(count: int) -> list[str]:
    """Return so many different hostile names; those beyond the list share 250 characters."""
    return [*HOSTILE, *("x" * 250 + str(number) for number in range(count))][:count]
