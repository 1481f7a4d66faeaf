"""The command line: one command, one module; nothing is imported before it is needed."""
