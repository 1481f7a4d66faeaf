"""How a process ended, in words."""

import signal


def end_in_words(code: int) -> str:
    """Return `exit code 3`, or `killed by SIGSEGV` for the negative codes of subprocess."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
