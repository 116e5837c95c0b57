from catallax._books import Books
from catallax._journal import GENESIS
from small_markets import trained


def test_books_begin_at_genesis():
    assert Books([]).digest == GENESIS
    assert Books([]).last_tick == 0


def test_totals_are_rebuilt_from_the_journal_alone():
    economy = trained()
    again = Books(list(economy.journal))
    assert again.digest == economy.digest
    assert {k: dict(v) for k, v in again.totals.items()} == {
        k: dict(v) for k, v in economy._books.totals.items()
    }


def test_a_balance_that_was_touched_is_found():
    economy = trained()
    balances = economy.balances
    balances["agent/0"] += 1
    found = Books(list(economy.journal)).audit(balances)
    assert not found.balanced
    assert found.drift_ticks >= 1
