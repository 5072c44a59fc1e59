import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Lasso

from objrep_gym.metrics.udr import agreement, by_lasso, by_ranks, informative, strengths, udr
from tests.metrics.codes import turned, with_dead

SIMILARITIES = ("lasso", "spearman")
CODES = np.random.default_rng(0).normal(size=(2000, 4))
SHUFFLED = CODES[:, [2, 0, 3, 1]] * [-1.0, 5.0, 0.5, -2.0]


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_models_with_the_same_codes_agree_whatever_their_order_sign_and_scale(similarity):
    scores = udr([CODES, SHUFFLED, with_dead(CODES)], similarity)
    # the lasso shrinks a weight of 1 by its penalty: r²/r = .9; chance correlations cost the rest
    assert scores == pytest.approx(0.9 if similarity == "lasso" else 1, abs=0.1)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_a_rotated_model_is_the_one_that_nobody_agrees_with(similarity):
    scores = udr([CODES, SHUFFLED, turned(CODES), CODES + 0.1], similarity)
    assert scores.argmin() == 2
    assert scores[2] < 0.3


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_models_of_nothing_in_common_agree_little(similarity):
    other = np.random.default_rng(1).normal(size=CODES.shape)
    assert agreement(CODES, other, similarity) < 0.1


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_models_with_dead_codes_alone_agree_on_nothing(similarity):
    assert udr([np.zeros_like(CODES), np.zeros_like(CODES)], similarity).tolist() == [0, 0]
    assert agreement(np.zeros_like(CODES), CODES, similarity) == 0


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_a_model_that_says_all_of_it_twice_agrees_less(similarity):
    twice = np.concatenate([CODES, CODES], axis=1)
    assert agreement(CODES, twice, similarity) < agreement(CODES, SHUFFLED, similarity) - 0.05


def test_ranks_of_what_is_said_twice_are_like_two_worked_by_hand():
    twice = np.concatenate([CODES, CODES], axis=1)
    by_hand = (4 * 1 / 2 + 8 * 1) / 12  # four codes that are like two, eight that are like one
    assert agreement(CODES, twice, "spearman") == pytest.approx(by_hand, abs=0.1)


def test_strengths_worked_by_hand():
    assert strengths(np.eye(3)) == 1
    assert strengths(np.ones((3, 3))) == pytest.approx(1 / 3)
    assert strengths(np.zeros((2, 3))) == 0
    # rows .8²/1 and .5²/1.5, columns .8²/1.3, .5²/.7 and 1²/1 ... of (.8, .2, 0) and (.5, .5, .5), (0, 0, .5) in the third
    table = np.array([[0.8, 0.2, 0.0], [0.5, 0.5, 0.5]])
    rows, columns = 0.64 / 1 + 0.25 / 1.5, 0.64 / 1.3 + 0.25 / 0.7 + 0.25 / 0.5
    assert strengths(table) == pytest.approx((rows + columns) / 5, abs=1e-15)


def test_likeness_is_scikit_learns_and_scipys():
    mixed = CODES @ np.random.default_rng(2).normal(size=(4, 3)) + CODES[:, :3] ** 3
    standard = [(codes - codes.mean(0)) / codes.std(0) for codes in (CODES, mixed)]
    expected = np.abs([Lasso(alpha=0.1).fit(standard[0], goal).coef_ for goal in standard[1].T]).T
    assert by_lasso(CODES, mixed) == pytest.approx(expected, abs=1e-3)
    for d, e in np.ndindex(4, 3):
        assert by_ranks(CODES, mixed)[d, e] == pytest.approx(abs(spearmanr(CODES[:, d], mixed[:, e]).statistic))
    assert by_lasso(CODES, mixed[:, :1]).shape == (4, 1)


def test_codes_that_are_informative_can_be_told():
    faint = CODES * [1.0, 1.0, 1.0, 0.05]  # a variance of .0025
    assert informative(faint).tolist() == [True, True, True, False]
    three = [np.array([True, True, True, False])] * 2
    noise = CODES.copy()
    noise[:, 3] = np.random.default_rng(3).normal(size=len(CODES))
    assert udr([CODES, noise], "spearman", three).min() > udr([CODES, noise], "spearman").max()


def test_agreement_is_the_same_for_both():
    other = turned(CODES) ** 3
    assert agreement(CODES, other) == agreement(other, CODES)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: udr([CODES]), "1 model has nobody"),
        (lambda: agreement(CODES[:1], CODES[:1]), "2 or more"),
        (lambda: agreement(CODES, CODES * np.nan), "finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, said: str):
    with pytest.raises(ValueError, match=said):
        call()
