"""Runs a program that the kernel ends when its parent dies, even by kill -9.

Usage: ``leash.py PARENT_PID SIGNAL PROGRAM ...``.
A script of its own, since the request must be made in the child before the program starts, and Python code between
fork and exec (``preexec_fn``) can deadlock in a process that has threads. The request survives the exec. It exists on
Linux alone; elsewhere the program is started without it and outlives a parent that is killed.
Source: prctl(2), PR_SET_PDEATHSIG.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, then become the program."""
    parent, signal = int(sys.argv[1]), int(sys.argv[2])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal)
        if os.getppid() != parent:  # it died before we asked
            sys.exit(1)
    os.execvp(sys.argv[3], sys.argv[3:])  # noqa: S606  no shell is the point


if __name__ == "__main__":
    main()
