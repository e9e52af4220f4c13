"""`python -m gate.cli` is the command `sitegate`."""

from gate.cli import main

main()
