"""A contract is a list of named clauses; what it is to keep one, to break one, and to report it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from catallax._errors import CheckFailed, InvalidSetting

OnFail = Literal["raise", "report"]


@dataclass(frozen=True)
class Finding:
    """What a check found of one clause.

    Args:
        clause: Its name.
        passed: Whether the part keeps it.
        detail: How it breaks the clause; where it passes, a remark or nothing.
        expected: The reason for which the caller expects a failure, or None.

    Example:
        >>> import catallax as cx
        >>> findings = cx.checks.check_auction(cx.FirstPrice(), on_fail="report")
        >>> all(finding.passed for finding in findings)
        True
    """

    clause: str
    passed: bool
    detail: str
    expected: str | None = None

    @property
    def fine(self) -> bool:
        """Whether it is as expected: it passes, or it fails where a failure was announced."""
        return self.passed == (self.expected is None)


@dataclass(frozen=True)
class Clause:
    """One demand of a contract.

    Args:
        name: A short phrase that holds of every good part.
        why: What goes wrong without it.
        remedy: What to do.
        test: Raises `BrokenClause`, or anything else, on a part that breaks it; it may return a
            remark.
    """

    name: str
    why: str
    remedy: str
    test: Callable[[Any], str | None]


class BrokenClause(Exception):
    """A clause is broken; the message says how. It never leaves this package."""


def demand(holds: Any, detail: str) -> None:
    """Breaks the clause at hand unless something holds."""
    if not holds:
        raise BrokenClause(detail)


def demand_members(part: Any, members: Iterable[str]) -> None:
    """Breaks the clause unless a part has all members of its protocol."""
    missing = [name for name in members if not hasattr(part, name)]
    demand(not missing, f"it has no {', '.join(missing)}")


def demand_value(part: Any) -> None:
    """Breaks the clause unless a part is a frozen, hashable dataclass that equals its copy."""
    params = vars(type(part)).get("__dataclass_params__")
    demand(params is not None, f"{type(part).__name__} itself is not decorated with @dataclass")
    demand(params is not None and params.frozen, "its dataclass is not frozen")
    copy = replace(part)
    demand(copy == part and hash(copy) == hash(part), "it does not equal its own copy")


def clause(
    contract: list[Clause], name: str, why: str, remedy: str
) -> Callable[[Callable[[Any], str | None]], Callable[[Any], str | None]]:
    """Enters the function below it in a contract."""

    def enter(test: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
        contract.append(Clause(name, why, remedy, test))
        return test

    return enter


def hold_to(
    part: str,
    contract: Iterable[Clause],
    subject: Any,
    on_fail: OnFail,
    expected_failures: Mapping[str, str] | None,
) -> list[Finding]:
    """Tests a part against every clause of a contract.

    Args:
        part: What is checked, for messages.
        contract: The clauses, tested in this order.
        subject: What their tests take.
        on_fail: `"raise"` at the first finding that is not fine, or `"report"` all of them.
        expected_failures: Reasons by the names of clauses that are expected to fail.

    Returns:
        One `Finding` a clause.

    Raises:
        CheckFailed: If a clause is broken, or an expected failure passes, and `on_fail="raise"`.
        InvalidSetting: If `on_fail`, or a clause that is expected to fail, is unknown.
    """
    contract, expected = list(contract), dict(expected_failures or {})
    _require_known(contract, on_fail, expected)
    findings = []
    for one in contract:
        finding, cause = _tested(one, subject, expected.get(one.name))
        if on_fail == "raise" and not finding.fine:
            raise _failure(part, one, finding) from cause
        findings.append(finding)
    return findings


def _tested(one: Clause, subject: Any, expected: str | None) -> tuple[Finding, Exception | None]:
    """Returns the finding, and what the part itself raised if it did."""
    try:
        return Finding(one.name, True, one.test(subject) or "", expected), None
    except BrokenClause as broken:
        return Finding(one.name, False, str(broken), expected), None
    except Exception as error:
        detail = f"it raised {type(error).__name__}: {str(error)[:500]}"
        return Finding(one.name, False, detail, expected), error


def _failure(part: str, one: Clause, finding: Finding) -> CheckFailed:
    if finding.passed:
        return CheckFailed(
            f"{part} keeps the clause '{one.name}', which was expected to fail.",
            f"The reason given was: {finding.expected}.",
            "Take the clause out of expected_failures.",
        )
    return CheckFailed(
        f"{part} breaks the clause '{one.name}': {finding.detail.rstrip('.')}.",
        one.why,
        one.remedy,
    )


def _require_known(contract: list[Clause], on_fail: str, expected: dict[str, str]) -> None:
    names = [one.name for one in contract]
    strange = [name for name in expected if name not in names]
    if strange or on_fail not in ("raise", "report"):
        raise InvalidSetting(
            f"on_fail={on_fail!r} and expected_failures for {strange} were given.",
            f"The clauses of this contract are: {', '.join(names)}.",
            "Give on_fail='raise' or 'report', and name clauses as they are named here.",
        )
