"""Runs the command line as `python -m rxauth`."""

from rxauth.cli import main

main()
