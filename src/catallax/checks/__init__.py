"""Checks for your own parts: does a species, a world, an auction or a ledger keep its contract?"""

from catallax.checks._auction import check_auction as check_auction
from catallax.checks._clauses import Finding as Finding
from catallax.checks._ledger import check_ledger as check_ledger
from catallax.checks._property import check_property_rights as check_property_rights
from catallax.checks._species import check_species as check_species
from catallax.checks._taste import check_taste as check_taste
from catallax.checks._world import check_world as check_world
