"""What the kill tests run in a process of its own: train a run, or go on with it."""

import os
import signal
from pathlib import Path

import catallax as cx
from catallax import _drivers, _xla
from small_wide import STIPENDS, market, mill

MARKET = cx.DeepMarket(agents=[cx.Tabular(initial=0.5)], learning=cx.Learning(horizon=32, epochs=1))
WORLDS = {
    "compiled": lambda: (cx.worlds.Chain(), 200_000),
    "host": lambda: ("gymnasium:FrozenLake-v1", 6_000),
}
SEGMENTS = {"compiled": 8_192, "host": 1_024}
"""Steps between two checkpoints."""
SETTINGS = {"worlds": 4, "seed": 3, "checkpoint_seconds": 0.0, "overwrite": True}


def go_on(path: str, kind: str) -> None:
    """Begins the run at a path, or resumes it, and trains to the end of its plan."""
    _xla.LEVEL_MOST = 0  # as in the tests, to the last bit
    _drivers.STEPS_PER_SEGMENT = SEGMENTS[kind]
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(path).parent / "compiled"))
    if list(Path(path).glob("checkpoint-*")):
        economy = cx.load(path)
        economy.checkpoint_seconds = 0.0
        economy.train(1, resume=True)
    else:
        world, steps = WORLDS[kind]()
        cx.train(MARKET, world, steps=steps, **SETTINGS, out=path)


class DieWhenSaved(cx.Callback):
    """Kills its own process right after the first checkpoint."""

    def on_segment_end(self, economy: cx.WideEconomy) -> None:
        """Dies."""
        os.kill(os.getpid(), signal.SIGKILL)


def run_wide(path: str, steps: int) -> None:
    """Runs a small wide market and dies after its first 50 steps."""
    _xla.LEVEL_MOST = 0
    economy = cx.WideEconomy(market(mill(), STIPENDS, "cap"))
    economy.save(path)
    economy.run(steps + 10, callbacks=[DieWhenSaved()])
