"""Networks as the processor works through them: what is folded, what moves, what memory holds."""

from __future__ import annotations

import pytest

from anamorph.errors import BadInput
from anamorph.processor.arrays import columns_of
from anamorph.processor.layers import Product, merged, plan
from anamorph.processor.liveness import peak_values, pipeline_levels
from anamorph.processor.workloads import Network, Tensor, load
from anamorph.processor.workloads.build import Builder


def product_of(b: Builder) -> Product:
    (layer,) = plan(b.network()).layers
    assert layer.product is not None
    return layer.product


def test_a_window_brings_only_its_new_columns() -> None:
    """A 3 x 3 window over 4 channels: 36 values at the begin of a line, then 12 for each new column of the window."""
    b = Builder("n", "here")
    b.convolution("conv", b.take("x", 4, 8, 10), 5, 3)
    p = product_of(b)
    assert (p.first, p.slide, p.fill, p.lines, p.line) == (36, 12, 3, 8, 10)
    b = Builder("n", "here")
    b.convolution("conv", b.take("x", 4, 8, 10), 5, 3, stride=2)
    p = product_of(b)
    assert (p.first, p.slide, p.lines, p.line) == (36, 24, 4, 5)
    b = Builder("n", "here")
    b.convolution("conv", b.take("x", 4, 8, 10), 5, 1, stride=2)
    assert product_of(b).slide == product_of(b).first == 4


def test_normalisation_and_functions_behind_a_product_cost_no_pass() -> None:
    b = Builder("n", "here")
    x = b.convolution("conv", b.take("x", 2, 4, 4), 3, 3)
    x = b.function("relu", b.normalise("norm", x, 6, "batch"), "relu")
    y = b.convolution("next", x, 3, 3)
    b.add("add", x, y)  # two read the function's values, so what comes after it is a pass of its own
    found = plan(b.network())
    assert [layer.holds for layer in found.layers] == [("conv", "norm", "relu"), ("next",), ("add",)]
    assert found.layers[0].operations == {"activation": 48}
    assert found.resident == 0  # scales and offsets are in the weights
    layer_norm = Builder("n", "here")
    x = layer_norm.dense("dense", layer_norm.take("x", 2, 4), 3)
    layer_norm.normalise("norm", x, 6, "layer")
    assert [layer.name for layer in plan(layer_norm.network()).layers] == ["dense", "norm"]
    assert plan(layer_norm.network()).resident == 6


def test_changes_of_shape_move_nothing_and_keep_what_they_show_alive() -> None:
    b = Builder("n", "here")
    x = b.dense("one", b.take("x", 1, 4), 8, bias=False)
    y = b.dense("two", x, 2, bias=False)
    both = b.concatenate("both", x, y, axis=1)
    b.dense("three", both, 3, bias=False)
    found = plan(b.network())
    assert [layer.name for layer in found.layers] == ["one", "two", "three"]
    assert found.layers[2].reads == (1, 2)
    # "one" has 4 in and 8 out; "two" 8 and 2; "three" both and 3
    assert peak_values(found, None) == 13
    assert pipeline_levels(found) == [0, 1, 2]
    # x for one window, "one" for three, "two" for two, "three" for one
    assert peak_values(found, pipeline_levels(found)) == 4 + 3 * 8 + 2 * 2 + 3


def test_loops_are_neighbours_with_as_many_steps() -> None:
    found = plan(load("gnmt_1024"))
    loops = {layer.name: layer.loop for layer in found.layers}
    assert loops["attention.query"] == loops["decoder.1.gates"] == loops["decoder.3.gates"] >= 0
    # the second layer needs the last step of the first one read backwards
    assert loops["encoder.1.backward.gates"] != loops["encoder.2.gates"] == loops["encoder.3.gates"]
    assert loops["decoder.3.residual"] == -1
    assert found.outside == 65_536_000


def test_merged_layers_count_the_same() -> None:
    found = plan(load("resnet_152"))
    layers, times = merged(found)
    assert len(layers) < 40 and sum(times) == len(found.layers)
    for merge in (False, True):
        c = columns_of(found, merge=merge)
        p = c.products
        assert int((p.times * p.rows * p.columns * p.steps * p.lines * p.line).sum()) == found.network.macs == c.macs
        assert c.peak == peak_values(found, None)


def test_nothing_to_map() -> None:
    with pytest.raises(BadInput, match="no product with stored weights"):
        plan(Network("n", "here", (Tensor("x", (2,)),), ()))
