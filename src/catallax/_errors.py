"""Errors for people: one class per failure; each says what happened, why, and what to do."""


class CatallaxError(Exception):
    """Base of every error that the library raises on purpose.

    Args:
        what: What happened, in one sentence.
        why: Why that cannot go on.
        remedy: What the reader can do about it.

    Example:
        >>> str(CatallaxError("The bid is NaN.", "Money has no NaN.", "Check the weights."))
        'The bid is NaN. Money has no NaN. Check the weights.'
    """

    def __init__(self, what: str, why: str, remedy: str) -> None:
        super().__init__(f"{what} {why} {remedy}")
        self.what = what
        self.why = why
        self.remedy = remedy

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        """Pickles by its three parts, so that it survives a process boundary."""
        return type(self), (self.what, self.why, self.remedy)


class InvalidSetting(CatallaxError):
    """A setting is outside the range in which it means something."""


class UnknownWorld(CatallaxError):
    """No world goes by that name."""


class UnsupportedSpace(CatallaxError):
    """A species or a world cannot serve this observation or action space."""


class MissingExtra(CatallaxError):
    """An optional dependency is needed and not installed."""


class WorldFailed(CatallaxError):
    """A world's own code raised."""


class BadObservation(CatallaxError):
    """An observation is not finite."""


class BadReward(CatallaxError):
    """A reward is not finite, or too large for the ledger."""


class BadBid(CatallaxError):
    """A bid is not finite, or too large for the ledger."""


class BadPrice(CatallaxError):
    """A price is not finite, below 0 where goods may be given away, or too large for the ledger."""


class InvalidGood(CatallaxError):
    """A good, or an amount of one, is outside the range in which it means something."""


class AgentFailed(CatallaxError):
    """A Python agent raised, or returned something that is not (action, bid)."""


class BadBirth(CatallaxError):
    """More agents were asked for than the population can hold."""


class UnknownAgent(CatallaxError):
    """No living agent has that id."""


class MarketExtinct(CatallaxError):
    """Nobody lives and no birth can be paid."""


class LedgerError(CatallaxError):
    """The books do not balance, or a payment broke a rule of the market."""


class AuditFailed(CatallaxError):
    """The journal, its digest, or the balances rebuilt from it disagree with the run."""


class RunExists(CatallaxError):
    """The run directory already holds a run."""


class RunNotFound(CatallaxError):
    """There is no run at that path."""


class CorruptRun(CatallaxError):
    """A file of a run is damaged, truncated or missing."""


class CannotWrite(CatallaxError):
    """A run directory cannot be written: read-only, or the disk is full."""


class CannotRestore(CatallaxError):
    """A saved market holds a part that only the caller can supply."""


class CheckFailed(CatallaxError):
    """A part of the user's does not keep its contract."""


class InvalidMarket(CatallaxError):
    """Goods, valuations or wealth do not make a market: a shape, a sign or a number is wrong."""


class NotConcave(CatallaxError):
    """A valuation is not concave, or not 0 at nothing."""


class UnboundedDemand(CatallaxError):
    """Somebody would buy without end at any price."""


class NotConverged(CatallaxError):
    """A method ran out of steps before its result was certified."""


class NoEquilibrium(CatallaxError):
    """No prices clear the market, or none were found and none are known to exist."""


class BadProduction(CatallaxError):
    """A technique made a stock that is negative, infinite or not a number."""


class FreeStorage(CatallaxError):
    """Goods could be kept, or go round, without end: no discount, no cost and no loss."""


class BadProgramme(CatallaxError):
    """A linear programme is written badly, or is not an economy: its message names the rows."""


class TrainingInterrupted(CatallaxError):
    """The user stopped the training; what was learned is kept."""
