"""How many journals are open at once: those in use, and a few that were used last."""

import weakref
from collections import OrderedDict

MOST_IDLE = 8


class Resting:
    """What holds an open file and can do without."""

    def rest(self) -> bool:
        """Close the file if nothing needs it just now; False if something does."""
        raise NotImplementedError


_idle: OrderedDict[int, "weakref.ref[Resting]"] = OrderedDict()


def used(one: Resting) -> None:
    """Note that one has just used its file; let those rest that were used longest ago."""
    key = id(one)
    _idle[key] = weakref.ref(one)
    _idle.move_to_end(key)
    if len(_idle) > MOST_IDLE:
        _let_rest(len(_idle) - MOST_IDLE)


def gone(one: Resting) -> None:
    """Forget one whose file is closed."""
    _idle.pop(id(one), None)


def let_all_rest() -> None:
    """Close every file that nothing needs just now."""
    _let_rest(len(_idle))


def _let_rest(most: int) -> None:
    for key, reference in list(_idle.items())[:most]:
        one = reference()
        if one is None or one.rest():
            _idle.pop(key, None)
