"""`python -m outlast` is the command line."""

from outlast.clients.cli.main import main

if __name__ == "__main__":
    main()
