"""Errors: what happened, why, and what to do; one class a failure; whole after a pickle."""

import inspect
import pickle

import pytest

from catallax import _errors
from catallax._errors import CatallaxError, InvalidSetting

ERRORS = [kind for _, kind in inspect.getmembers(_errors, inspect.isclass)]
PARTS = ("The bid is NaN.", "Money has no NaN.", "Check the weights.")


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_says_its_three_parts(kind):
    error = kind(*PARTS)
    assert isinstance(error, CatallaxError)
    assert str(error) == " ".join(PARTS)
    assert (error.what, error.why, error.remedy) == PARTS
    assert kind.__doc__.endswith((".", ")\n", "    "))


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_survives_a_process_boundary(kind):
    error = pickle.loads(pickle.dumps(kind(*PARTS)))
    assert type(error) is kind
    assert (str(error), error.what, error.why, error.remedy) == (" ".join(PARTS), *PARTS)


def test_an_error_is_caught_by_its_base_and_not_by_a_sister():
    with pytest.raises(CatallaxError):
        raise InvalidSetting(*PARTS)
    for kind in ERRORS:
        assert kind is CatallaxError or kind.__bases__ == (CatallaxError,)


@pytest.mark.parametrize("parts", [(), PARTS[:1], PARTS[:2]])
def test_an_error_cannot_be_raised_without_a_remedy(parts):
    with pytest.raises(TypeError):
        CatallaxError(*parts)
