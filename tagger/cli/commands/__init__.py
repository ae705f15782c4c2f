"""One file per command: parse, call, print, choose the exit code."""
