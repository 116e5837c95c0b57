"""Processes of their own, for tests that kill them.

They come from a server that has imported what they need and started no thread: a copy of a process
with threads may inherit a lock that nobody will ever open.
"""

import multiprocessing

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["catallax._train", "pytest"])
