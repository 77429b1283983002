"""The command line, and the composition root: imports all, imported by none."""
