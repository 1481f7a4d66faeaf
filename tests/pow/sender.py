"""A process that sends a proof: TARGET NOTEBOOK, and DATABASE_URL from the environment. Prints the transaction."""

import json
import os
import sys
from pathlib import Path

from outlast.pow.broadcasting.broadcast import open_target
from tests.pow.proofs import BUILD, KEY, Notebook


def main() -> None:
    target = open_target(sys.argv[1], os.environ.get("DATABASE_URL"))
    transaction = target.send(BUILD, key=KEY, note=Notebook(Path(sys.argv[2])).note)
    print(json.dumps(transaction), flush=True)


if __name__ == "__main__":
    main()
