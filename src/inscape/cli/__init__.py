"""The command line: options in, one library call, its answer on the terminal."""

from inscape.cli._main import main as main
