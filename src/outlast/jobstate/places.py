"""Where the files of checklists lie, and which checklist a file belongs to. Paths, and one look at the disk."""

import os
import re
from collections.abc import Iterator

from outlast.core.errors import UsageError
from outlast.core.filenames import original_name, safe_file_name
from outlast.jobstate.view import Title

JSON = ".json"
JOURNAL = ".journal"
ASIDE = re.compile(r"\.(?:damaged|reset)-\d{8}T\d{6}Z(?:-\d+)?\Z")
"""How the name of a file ends that was set aside."""
_CLUSTER = ".worker-"
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
"""In JSON the two would become one character, and the name another one."""
_STEM = re.compile(r"(.+)-([0-9]{4}-[0-9]{2}-[0-9]{2})\Z", re.DOTALL)


class Places:
    """The directory of job state, and the names in it. The names of other people's files mean nothing here."""

    __slots__ = ("_case_blind", "root")

    def __init__(self, directory: str, cluster: str | None) -> None:
        self.root = os.path.join(directory, f"{_CLUSTER}{safe_file_name(cluster)}") if cluster else directory
        self._case_blind: bool | None = None

    @property
    def case_blind(self) -> bool:
        """True if the disk takes `A` and `a` for the same name. It is looked at once, where the files will lie."""
        if self._case_blind is None:
            self._case_blind = _is_case_blind(self.root)
        return self._case_blind

    def account(self, account: str) -> str:
        """Return the directory of an account."""
        return os.path.join(self.root, self._name(account))

    def json(self, title: Title) -> str:
        """Return the JSON of a checklist."""
        return os.path.join(self.account(title.account), self._stem(title) + JSON)

    def journal(self, title: Title) -> str:
        """Return the journal of a checklist: hidden, beside its JSON."""
        return journal_of(self.json(title))

    def _stem(self, title: Title) -> str:
        return f"{self._name(title.type)}-{title.date}"

    def _name(self, name: str) -> str:
        # Looking at the disk is for names to which it makes a difference.
        return safe_file_name(name, case_blind=name != name.lower() and self.case_blind)

    def accounts(self) -> list[str]:
        """Return the directories that may be an account's, by name."""
        try:
            with os.scandir(self.root) as entries:
                found = [entry.path for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(found)


def journal_of(json_path: str) -> str:
    """Return the journal beside a JSON."""
    directory, name = os.path.split(json_path)
    return os.path.join(directory, f".{name.removesuffix(JSON)}{JOURNAL}")


def json_of(journal_path: str) -> str:
    """Return the JSON beside a journal."""
    directory, name = os.path.split(journal_path)
    return os.path.join(directory, name[1:].removesuffix(JOURNAL) + JSON)


def checklists_in(directory: str) -> Iterator[str]:
    """Yield the paths of the JSONs in an account's directory, the oldest date first."""
    with os.scandir(directory) as entries:
        names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.name.endswith(JSON)]
    dated = [(name[-15:-5], name) for name in names if _STEM.match(name.removesuffix(JSON))]
    for _, name in sorted(dated):
        yield os.path.join(directory, name)


def title_of(json_path: str, said: tuple[object, object, object] = (None, None, None)) -> Title:
    """Return whose checklist lies at a path; `said` is what it says itself, believed where its name fits the path."""
    directory, name = os.path.split(json_path)
    stem = _STEM.match(name.removesuffix(JSON))
    type_name, date = (stem[1], stem[2]) if stem else (name, "")
    return Title(_said(said[0], os.path.basename(directory)), _said(said[1], type_name), date)


def _said(said: object, file_name: str) -> str:
    if isinstance(said, str) and file_name in (safe_file_name(said), safe_file_name(said, case_blind=True)):
        return said
    original = original_name(file_name)
    return file_name if original is None else original


def check_name(what: str, name: object) -> str:
    """Return the name of an account, a type or an activity. Raise UsageError unless it is text that JSON can tell."""
    if not isinstance(name, str):
        raise UsageError(f"{what} is a {type(name).__name__}, not text.", "Pass a str.")
    if not name.isascii() and _PAIR.search(name):
        raise UsageError(f"{what} {name!r:.80} holds two surrogates for one character.", "Use the character itself.")
    return name


def _is_case_blind(root: str) -> bool:
    """Look at an entry under its name with the case swapped; where there is none, make one for a moment."""
    try:
        names = [name for name in os.listdir(root) if name.swapcase() != name]
    except OSError:
        names = []
    if names:
        return _is_same(os.path.join(root, names[0]), os.path.join(root, names[0].swapcase()))
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(prefix=".case-", dir=root) as probe:
            return _is_same(probe.name, os.path.join(root, os.path.basename(probe.name).swapcase()))
    except OSError:  # nothing can be written there, so nothing will be
        return False


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False
