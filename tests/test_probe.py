"""Linear probes: what they find, how hard they hold back, and what they say of unseen images."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the 'train' extra is not installed")

import keras
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from tagger_training.probe import Features, fit_probe, pooled_features

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    # Keras 3.15 with NumPy 2; nothing here can help it.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture
def random() -> np.random.Generator:
    """Return random numbers that are the same in each test."""
    return np.random.default_rng(4)


def probabilities(features: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-(features @ kernel + bias))))


def test_a_probe_is_a_logistic_regression_with_the_penalty_that_is_best_on_unseen_images(
    random: np.random.Generator,
):
    """Scikit-learn finds the same for the penalty that was chosen, one of those tried."""
    values = random.normal(size=(300, 6))
    values /= values.std(axis=0)
    targets = (values[:, :2] + random.normal(size=(300, 2)) > 0.3).astype(np.uint8)

    probe = fit_probe(Features(values.astype(np.float32), (6,)), targets)

    distances = []
    for penalty in (16000.0, 4000.0, 1000.0, 250.0, 60.0, 15.0):
        known = [
            LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=1000).fit(values, targets[:, i])
            for i in range(2)
        ]
        kernel = np.stack([one.coef_[0] for one in known], axis=1)
        distances.append(np.abs(kernel - probe.kernel).max())
    nearest, next_nearest = sorted(distances)[:2]
    assert nearest < 0.01 < 0.05 < next_nearest
    found = probabilities(values, probe.kernel, probe.bias)
    assert roc_auc_score(targets, found) > 0.8


def test_more_features_than_images_give_the_same_as_copies_of_a_few(random: np.random.Generator):
    """Twenty copies of each of three features, among fewer images than features."""
    few = random.normal(size=(50, 3)).astype(np.float32)
    targets = (few[:, :1] + random.normal(size=(50, 1)) > 0).astype(np.uint8)

    wide = fit_probe(Features(np.repeat(few, 20, axis=1), (60,)), targets)

    assert wide.kernel.shape == (60, 1)
    # Copies share what one feature would get.
    shares = wide.kernel[:, 0].reshape(3, 20)
    np.testing.assert_allclose(shares, shares[:, :1].repeat(20, axis=1), atol=1e-4)
    found = probabilities(np.repeat(few, 20, axis=1), wide.kernel, wide.bias)
    assert roc_auc_score(targets, found) > 0.7


def test_what_it_says_of_unseen_images_was_not_fitted_on_them(random: np.random.Generator):
    """Labels that nothing tells: a probe fitted on them would seem to know them all the same."""
    values = random.normal(size=(60, 200)).astype(np.float32)
    targets = random.integers(0, 2, (60, 3)).astype(np.uint8)

    probe = fit_probe(Features(values, (200,)), targets)

    fitted = roc_auc_score(targets, probabilities(values, probe.kernel, probe.bias))
    assert fitted > 0.9
    assert roc_auc_score(targets, probe.held_out) < 0.65
    assert probe.held_out.shape == (60, 3)


def test_rare_labels_and_constant_features_do_no_harm(random: np.random.Generator):
    values = np.zeros((40, 5), np.float32)
    values[:, 0] = random.normal(size=40)
    targets = np.zeros((40, 2), np.uint8)
    targets[3, 0] = 1  # label 1 never occurs

    probe = fit_probe(Features(values, (2, 3)), targets)

    found = probabilities(values, probe.kernel, probe.bias)
    assert np.isfinite(found).all()
    assert np.isfinite(probe.held_out).all()
    assert (found[:, 1] < 0.01).all()


def test_a_narrow_stage_weighs_as_much_as_a_wide_one(random: np.random.Generator):
    """Both tell the label equally well, one by a single feature and one by a hundred."""
    told = random.normal(size=2000)
    narrow = told + random.normal(size=2000)
    wide = np.repeat((told + random.normal(size=2000))[:, None], 100, axis=1)
    values = np.column_stack([narrow, wide]).astype(np.float32)
    targets = (told > 0).astype(np.uint8)[:, None]

    kernel = fit_probe(Features(values, (1, 100)), targets).kernel[:, 0]

    assert kernel[0] == pytest.approx(kernel[1:].sum(), rel=0.15)


def test_features_are_what_the_pool_gives_and_know_their_parts(random: np.random.Generator):
    images = keras.Input((4, 4, 3), dtype="uint8")
    one = keras.layers.GlobalAveragePooling2D()(images)
    other = keras.layers.GlobalMaxPooling2D()(
        keras.layers.Conv2D(5, 3)(keras.layers.Rescaling(1.0)(images))
    )
    pool = keras.layers.Concatenate(name="pool")([one, other])
    model = keras.Model(images, keras.layers.Dense(2, activation="sigmoid")(pool))
    pixels = random.integers(0, 256, (9, 4, 4, 3)).astype(np.uint8)

    features = pooled_features(model, pixels, np.array([7, 2]))

    assert features.blocks == (3, 5)
    assert features.values.shape == (2, 8)
    np.testing.assert_allclose(features.values[:, :3], pixels[[7, 2]].mean(axis=(1, 2)), rtol=1e-5)
