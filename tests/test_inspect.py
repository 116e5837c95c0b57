import pytest

from small_markets import trained


def test_inspection_tells_the_richest_first():
    records = trained(steps=20_000).inspect()
    assert [r.wealth_ticks for r in records] == sorted(r.wealth_ticks for r in records)[::-1]
    assert sum(record.share_won for record in records) == pytest.approx(1.0)
    winner = max(records, key=lambda record: record.share_won)
    assert winner.does == "action 1"
    for record in records:
        parts = record.resold_ticks + record.rewards_ticks + record.capital_ticks
        assert record.wealth_ticks == parts - record.paid_ticks - record.rent_ticks
