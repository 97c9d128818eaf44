"""The 196 pixels and the mean of each image; on small files in MNIST's form, and on MNIST where it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anamorph.data import mnist
from anamorph.errors import BadInput


@pytest.fixture
def read_small(small_mnist, monkeypatch) -> mnist.Digits:
    found = mnist.read(small_mnist)
    monkeypatch.setattr(mnist, "read", lambda: found)
    return found


def test_every_image_has_the_wanted_mean_and_keeps_its_picture(read_small: mnist.Digits) -> None:
    task = mnist.mnist14(mean=0.05)
    assert task.x_train.shape == (20, 196) and task.x_test.shape == (10, 196)
    # float64 rounding of a sum of 196 values
    np.testing.assert_allclose(np.concatenate([task.x_train, task.x_test]).mean(axis=1), 0.05, rtol=1e-13)
    chosen = mnist.choose_pixels(read_small.x_train, "most_active")
    raw = read_small.x_test[3, chosen]
    np.testing.assert_allclose(task.x_test[3] * raw.sum(), raw * task.x_test[3].sum(), rtol=1e-13)
    assert task.n_clipped == 0 and task.y_test.tolist() == list(range(10))


def test_values_above_full_scale_are_cut_and_counted(read_small: mnist.Digits) -> None:
    gentle, harsh = mnist.mnist14(mean=0.04), mnist.mnist14(mean=0.6)
    over = gentle.x_test * (0.6 / 0.04) > 1
    assert harsh.n_clipped == over.sum() > 0
    assert (harsh.x_test[over] == 1.0).all() and harsh.x_test[~over].max() < 1


def test_the_first_images_are_taken_with_the_pixels_of_all(read_small: mnist.Digits) -> None:
    whole, part = mnist.mnist14(), mnist.mnist14(5, 3)
    np.testing.assert_array_equal(part.x_train, whole.x_train[:5])
    np.testing.assert_array_equal(part.y_test, whole.y_test[:3])


def test_most_active_pixels_are_those_of_the_highest_mean(read_small: mnist.Digits) -> None:
    chosen = mnist.choose_pixels(read_small.x_train, "most_active")
    means = read_small.x_train.mean(axis=0)
    assert chosen.sum() == 196
    assert means[chosen].min() >= means[~chosen].max()


def test_equal_means_are_broken_in_reading_order() -> None:
    chosen = mnist.choose_pixels(np.full((2, 28, 28), 7, np.uint8), "most_active")
    assert chosen.ravel()[:196].all() and chosen.sum() == 196


def test_a_checkerboard_without_196_active_pixels_is_refused(read_small: mnist.Digits) -> None:
    with pytest.raises(BadInput, match="expected 196 pixels with a mean above 0.027; got 242"):
        mnist.choose_pixels(read_small.x_train, "checkerboard")  # 22 x 22 pixels are bright


def test_the_checkerboard_holds_pixels_of_one_colour() -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, :14, :] = 255  # 14 x 28 / 2 = 196 of either colour
    y, x = np.nonzero(mnist.choose_pixels(images, "checkerboard"))
    assert len(y) == 196 and ((x + y) % 2 == 0).all() and y.max() == 13


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pixels": "most-active"}, "no choice of pixels named 'most-active'. Did you mean 'most_active'"),
        ({"train": 21}, "mnist14: train: no such number of samples; expected 1 to 20; got 21"),
        ({"test": 0}, "mnist14: test: .*expected 1 to 10; got 0"),
        ({"mean": 0.0}, "no such mean"),
        ({"mean": float("nan")}, "no such mean.*got nan"),
    ],
)
def test_choices_that_make_no_sense_are_refused(read_small, arguments: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        mnist.mnist14(**arguments)


def test_an_image_without_light_is_named(given, put, monkeypatch, small_mnist) -> None:
    found = mnist.read(small_mnist)
    x_test = found.x_test.copy()
    x_test[4] = 0
    dark = mnist.Digits(found.x_train, found.y_train, x_test, found.y_test)
    monkeypatch.setattr(mnist, "read", lambda: dark)
    with pytest.raises(BadInput, match="mnist14: x_test: sample 4: a sample is zero everywhere"):
        mnist.mnist14()


def test_a_file_of_the_wrong_kind_is_named_before_its_hash(small_mnist, given: Path) -> None:
    labels, pictures = given / small_mnist[1].path, given / small_mnist[0].path
    labels.write_bytes((given / small_mnist[3].path).read_bytes())
    with pytest.raises(BadInput, match="train-labels-idx1-ubyte.gz: its content is not that of the official file"):
        mnist.read(small_mnist)
    pictures.write_bytes(labels.read_bytes())
    with pytest.raises(BadInput, match="train-images.*expected it to begin with 00000803.*ANAMORPH_DATA"):
        mnist.read(small_mnist)


def test_mnist_itself(real_data: Callable[[str], None]) -> None:
    real_data("mnist")
    found = mnist.read()
    assert (len(found.x_train), len(found.x_test)) == (60_000, 10_000)
    assert np.bincount(found.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    active, board = (mnist.choose_pixels(found.x_train, reading) for reading in ("most_active", "checkerboard"))
    assert active.sum() == board.sum() == 196
    # the authors took the first 50,000 images for it
    np.testing.assert_array_equal(mnist.choose_pixels(found.x_train[:50_000], "checkerboard"), board)
    task = mnist.mnist14(2000, pixels="checkerboard")
    assert task.n_clipped == 0 and task.x_test.shape == (10_000, 196)
    assert 0.6 < task.x_test.max() < 0.7  # the brightest pixel of the thinnest digit


def test_an_average_is_of_two_by_two_pixels() -> None:
    image = np.arange(784.0).reshape(1, 784)
    found = mnist.averaged(image)
    assert found.shape == (1, 196)
    # corners 0, 1, 28, 29
    np.testing.assert_allclose(found[0, [0, 1, 14]], [14.5, 16.5, 70.5])
