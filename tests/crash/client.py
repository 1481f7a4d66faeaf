"""A client that dies on the way: one act of the library in a process of its own.

Usage: client.py submit PATH | submit-many PATH COUNT | cancel ID | pause ID | retry ID | remove ID. It prints `told`
and the id once the act has returned.
"""

import sys

from outlast import Outlast
from tests.crash.work import everything, number


def main(act: str, *words: str) -> None:
    with Outlast() as outlast:
        match act:
            case "submit":
                told = outlast.submit(everything, words[0], key="the key").id
            case "submit-many":
                told = str(len(outlast.submit_many(number, [(n,) for n in range(int(words[1]))])))
            case "remove":
                outlast.remove(words[0])
                told = words[0]
            case _:
                told = str(getattr(outlast, act)(words[0])["job_id"])
    print("told", told, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
