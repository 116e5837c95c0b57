"""How a contract is held, raised, reported and excused."""

import pytest

from catallax._errors import CheckFailed, InvalidSetting
from catallax.checks._clauses import Finding, clause, demand, demand_value, hold_to

CONTRACT = []


@clause(CONTRACT, "is even", "Odd ones fall over.", "Double it.")
def is_even(number):
    demand(number % 2 == 0, f"{number} is odd")


@clause(CONTRACT, "divides 12", "Dozens.", "Choose a divisor.")
def divides_twelve(number):
    demand(12 % number == 0, f"12 is no multiple of {number}")
    return f"{12 // number} times"


def held(number, on_fail="raise", expected=None):
    return hold_to("The number", CONTRACT, number, on_fail, expected)


def test_what_keeps_every_clause_gets_one_finding_each():
    assert held(4) == [Finding("is even", True, ""), Finding("divides 12", True, "3 times")]


def test_a_broken_clause_raises_what_why_and_what_to_do():
    with pytest.raises(CheckFailed) as caught:
        held(3)
    assert caught.value.what == "The number breaks the clause 'is even': 3 is odd."
    assert (caught.value.why, caught.value.remedy) == ("Odd ones fall over.", "Double it.")


def test_a_report_holds_every_finding():
    assert [f.passed for f in held(5, "report")] == [False, False]
    assert held(5, "report")[0].detail == "5 is odd"


def test_any_error_of_the_part_breaks_the_clause_at_hand():
    finding = held(0, "report")[1]
    assert not finding.passed and "ZeroDivisionError" in finding.detail


def test_an_expected_failure_is_fine_and_keeps_its_reason():
    findings = held(3, expected={"is even": "three is what we want"})
    assert findings[0] == Finding("is even", False, "3 is odd", "three is what we want")
    assert all(finding.fine for finding in findings)


def test_an_expected_failure_that_passes_is_told():
    with pytest.raises(CheckFailed, match="which was expected to fail"):
        held(4, expected={"is even": "a reason that is gone"})
    findings = held(4, "report", {"is even": "a reason that is gone"})
    assert [(f.passed, f.fine) for f in findings] == [(True, False), (True, True)]


def test_only_clauses_of_the_contract_can_be_expected_to_fail():
    with pytest.raises(InvalidSetting, match="is even, divides 12"):
        held(4, expected={"is red": "?"})
    with pytest.raises(InvalidSetting, match="on_fail"):
        held(4, "shrug")


def test_a_class_that_forgot_its_decorator_is_no_value():
    class Child(Finding):
        pass

    demand_value(Finding("a", True, ""))
    with pytest.raises(Exception, match="Child itself"):
        demand_value(Child("a", True, ""))
