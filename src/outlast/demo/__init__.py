"""The tour: real jobs, killed with SIGKILL at saved points, and a check of everything that is said about them."""
