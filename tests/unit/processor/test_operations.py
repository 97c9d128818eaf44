"""The representation of a network: what its counts are, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from anamorph.errors import BadInput
from anamorph.processor.workloads import Auxiliary, MatrixProduct, Network, Tensor
from anamorph.processor.workloads.build import Builder

X, Y = Tensor("x", (3, 8)), Tensor("y", (3, 4))


def product(name: str = "p", **changed: Any) -> MatrixProduct:
    return replace(MatrixProduct(name, (X,), (Y,), 8, 4, 3), **changed)


def test_counts_of_a_product() -> None:
    one = product(groups=2, connected=40)
    assert (one.cells, one.weights, one.macs) == (64, 40, 120)
    assert product().weights == product().cells == 32


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rows": 0}, "no rows"),
        ({"vectors": 3, "steps": 2}, "cannot be shared among 2 steps"),
        ({"fed_back": 9}, "more rows fed back"),
        ({"connected": 33}, "weights without cells"),
    ],
)
def test_impossible_products_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        product(**changed)


def test_an_unknown_kind_and_negative_counts_are_refused() -> None:
    with pytest.raises(BadInput, match="no such kind of operation 'guessing'"):
        Auxiliary("a", "guessing", (X,), (Y,), 1)
    with pytest.raises(BadInput, match="negative count"):
        Auxiliary("a", "pooling", (X,), (Y,), -1)
    with pytest.raises(BadInput, match="negative size"):
        Tensor("t", (-1,))


def network(*operations: MatrixProduct | Auxiliary) -> Network:
    return Network("n", "here", (X,), operations)


def test_a_network_is_in_an_order_that_can_be_done() -> None:
    z = Auxiliary("r", "activation", (Y,), (Tensor("z", (3, 4)),), 12)
    assert network(product(), z).activations == 24 + 12 + 12
    with pytest.raises(BadInput, match="takes 'y' of shape .* got nothing"):
        network(z, product())
    with pytest.raises(BadInput, match="two operations of one name"):
        network(product(), product(gives=(Tensor("w", (3, 4)),)))
    with pytest.raises(BadInput, match="'y' is given twice"):
        network(product(), product("q"))
    with pytest.raises(BadInput, match=r"got \(3, 4\)"):
        network(product(), product("q", takes=(Tensor("y", (4, 3)),), gives=()))


def test_shared_cells_count_once() -> None:
    again = product("q", gives=(Tensor("z", (3, 4)),), weights_of="p", biases=4)
    both = network(product(biases=4), again)
    assert (both.weights, both.biases, both.macs) == (32, 4, 192)
    with pytest.raises(BadInput, match="uses the cells of 'p'"):
        network(again)
    with pytest.raises(BadInput, match="another matrix"):
        network(product(), product("q", gives=(), columns=2, weights_of="p"))


def test_a_recurrent_layer_follows_itself() -> None:
    b = Builder("r", "here")
    b.lstm("lstm", b.take("x", 7, 5), 3)
    (one,) = b.network().products
    assert (one.rows, one.columns, one.vectors, one.steps, one.fed_back) == (8, 12, 7, 7, 3)
    # per unit and step: five functions, three products, one sum
    assert [a.operations for a in b.network().auxiliaries] == [5 * 21, 3 * 21, 21]


def test_a_depthwise_convolution_is_recognised() -> None:
    b = Builder("d", "here")
    x = b.take("x", 6, 8, 8)
    b.convolution("depthwise", x, 6, 3, groups=6)
    b.convolution("grouped", x, 6, 3, groups=2)
    b.convolution("plain", x, 6, 3)
    assert [op.is_depthwise for op in b.network().products] == [True, False, False]
    assert [op.weights for op in b.network().products] == [54, 162, 324]
