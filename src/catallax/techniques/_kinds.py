"""Kinds of techniques."""

from ._graded import GradedActivity
from ._linear import LinearActivity, Storage

FixedProportions = LinearActivity | Storage | GradedActivity
"""Techniques that are said by amounts, which were checked when they were made."""
