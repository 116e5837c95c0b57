"""An economy's books on the host: the journal in memory and each agent's totals."""

from collections import defaultdict

import numpy as np

from catallax._chunk import Flows
from catallax._journal import GENESIS, Audit, JournalEntry, audit, make_entry
from catallax._ledger import account_names
from catallax._market import Setting


class Books:
    """The journal so far, its digest, and what every account received for every reason.

    Args:
        entries: Of an earlier run, to continue; empty for a new one.

    Example:
        >>> Books([]).last_tick
        0
    """

    def __init__(self, entries: list[JournalEntry]) -> None:
        self.entries: list[JournalEntry] = []
        self.totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for entry in entries:
            self._keep(entry)

    @property
    def digest(self) -> str:
        """The hash of the whole journal."""
        return self.entries[-1].digest if self.entries else GENESIS

    @property
    def last_tick(self) -> int:
        """The tick up to which the journal reaches."""
        return self.entries[-1].last_tick if self.entries else 0

    def close(self, setting: Setting, flows: Flows) -> JournalEntry:
        """Adds an entry for the flows of a segment.

        Args:
            setting: The market in its world.
            flows: What the driver handed over.

        Returns:
            The new entry.
        """
        names = account_names(setting.n_consumers, np.asarray(flows.ids))
        entry = make_entry(
            self.digest,
            len(self.entries),
            self.last_tick,
            int(flows.tick),
            int(flows.transfers),
            names,
            np.asarray(flows.flows),
        )
        self._keep(entry)
        return entry

    def audit(self, balances: dict[str, int]) -> Audit:
        """Rebuilds every balance from genesis and compares.

        Args:
            balances: What the run says, in ticks by account.

        Returns:
            The `Audit`.
        """
        return audit(self.entries, balances)

    def _keep(self, entry: JournalEntry) -> None:
        self.entries.append(entry)
        for account, reason, ticks in entry.rows:
            self.totals[account][reason] += ticks
