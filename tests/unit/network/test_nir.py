"""Spiking networks as graphs of NIR and back: bit for bit, and a refusal by name of what cannot be carried."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import jax.numpy as jnp
import numpy as np
import pytest

from anamorph.characterise.activation import Activation, combine
from anamorph.characterise.spiking import Activity, FrequencyCurve, SynapseCurve
from anamorph.errors import BadInput
from anamorph.network.convolution import Convolution
from anamorph.network.nir_file import write_nir
from anamorph.network.nir_graph import line, to_nir
from anamorph.network.nir_import import from_nir
from anamorph.network.spiking import Lookup, Structure, Weights, mnist_structure
from anamorph.network.wiring import Dense

nir: Any = pytest.importorskip("nir", reason="the extra nir is not installed")


def _curves(power: float = 0.5) -> tuple[FrequencyCurve, Activation]:
    i = np.linspace(1e-12, 1e-9, 200)
    f = (400e3 * (i / 1e-9) ** power)[None]
    unknown, yes = np.full_like(f, np.nan), np.ones(f.shape, bool)
    spiking = np.full(f.shape, int(Activity.SPIKING))
    neuron = FrequencyCurve(i, f, spiking, unknown, unknown, yes, 0.2, 300.0, "made up")
    rates = np.linspace(0, 500e3, 50)
    synapse = SynapseCurve(
        rates, 1e-15 * rates[None], np.full((1, 50), np.nan), np.ones((1, 50), bool), 0.2, 1.0, "line"
    )
    return neuron, combine(neuron, synapse)


def _weights(structure: Structure, seed: int = 0, low: float = 0.0, dtype: type = float) -> Weights:
    rng = np.random.default_rng(seed)
    synapses = tuple(rng.uniform(low, 1, s).astype(dtype) for s in structure.shapes)
    biases = tuple(
        (rng.uniform(low, 1, n) if biased else np.zeros(n)).astype(dtype)
        for n, biased in zip(structure.layers[1:], structure.biased, strict=True)
    )
    return Weights(synapses, biases)


def _same(found: Weights, wanted: Weights) -> None:
    for one, other in zip((*found.synapses, *found.biases), (*wanted.synapses, *wanted.biases), strict=True):
        one, other = np.asarray(one), np.asarray(other)
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


def _ifs(n: int, **other: Any) -> Any:
    return nir.IF(**({"r": np.ones(n), "v_threshold": np.ones(n), "v_reset": np.zeros(n)} | other))


def _graph(*nodes: Any) -> Any:
    return nir.NIRGraph.from_list(*nodes)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("signed", [False, True])
def test_the_paper_s_network_returns_bit_for_bit_through_a_file(tmp_path: Path, signed: bool, dtype: type):
    structure = mnist_structure(signed)
    weights = _weights(structure, low=-1.0 if signed else 0.0, dtype=dtype)
    weights.synapses[0][3, 5] = -0.0 if signed else 5e-324  # what is easily lost: a sign, the smallest double
    path = tmp_path / "net.nir"
    write_nir(path, to_nir(structure, weights, *_curves()))
    assert [p.name for p in tmp_path.iterdir()] == ["net.nir"]
    found = from_nir(path)
    assert found.structure == structure
    _same(found.weights, weights)
    assert [one.kind for one in found.neurons] == ["IF"] * 3


def test_a_fixed_bias_returns_without_becoming_a_synapse():
    structure = Structure((Dense(3, 4, True), Dense(4, 2)), (False, False))
    weights = _weights(structure)
    weights.biases[0][:] = 0.2
    found = from_nir(to_nir(structure, weights, *_curves()))
    assert found.structure == structure
    _same(found.weights, weights)


def test_the_graph_answers_as_the_network_does_where_neurons_are_straight_lines():
    neuron, activation = _curves(power=1.0)
    structure = Structure((Convolution((1, 4, 4), (2, 2), (2, 2), 1, False, True), Dense(4, 3, True)), (True, False))
    weights = _weights(structure)
    weights = Weights(tuple(w / len(w) / 2 for w in weights.synapses), tuple(b / 2 for b in weights.biases))
    graph = to_nir(structure, weights, neuron, activation)
    x = np.random.default_rng(1).uniform(0, 1, (5, 16))
    rate = x
    for index in range(2):
        synapses, fires = graph.nodes[f"synapses_{index}"], graph.nodes[f"neurons_{index}"]
        current = rate @ synapses.weight.T + getattr(synapses, "bias", 0.0)
        rate = current * fires.r / (fires.v_threshold - fires.v_reset)  # mean rate of an integrator that fires
    wanted = structure.forward(weights, (Lookup(activation.table()[0]),) * 2, jnp.asarray(structure.taps(x)))[1]
    np.testing.assert_allclose(rate, wanted, rtol=1e-4)  # the lookup's single precision, and rounding of the fit


def test_the_line_is_the_least_squares_one_and_its_error_is_stated():
    neuron, activation = _curves(power=0.5)
    slope, rms, most = line(activation)
    # of sqrt(x) over 0 to 1: int x^1.5 / int x^2 = (2/5) / (1/3); most at the end of x where 1.2 x - 1 or at 1/(4 1.44)
    assert slope == pytest.approx(1.2, rel=2e-3)  # the curve's 200 points begin at a thousandth of the range
    assert rms == pytest.approx(np.sqrt(0.5 - 0.4**2 * 3), rel=0.02)
    assert most == pytest.approx(1 / 4.8, rel=0.02)
    graph = to_nir(mnist_structure(), _weights(mnist_structure()), neuron, activation)
    assert graph.metadata["time_unit_s"][0] == pytest.approx(1 / 400e3)
    assert graph.metadata["line_off_rms_and_most"].tolist() == [rms, most]


def test_a_convolution_becomes_a_synapse_for_each_use_of_a_tap():
    rng = np.random.default_rng(0)
    kernel, bias, after = rng.normal(size=(3, 2, 2, 3)), rng.normal(size=3), rng.normal(size=(4, 3 * 2 * 3))
    conv = nir.Conv2d((4, 5), kernel, stride=(2, 1), padding=0, dilation=1, groups=1, bias=bias)
    shape = (3, 2, 3)
    one = nir.IF(np.ones(shape), np.ones(shape), np.zeros(shape))
    flat = nir.Flatten({"input": np.array(shape)}, 0, -1)
    image = nir.Input({"input": np.array([2, 4, 5])})
    # nir infers sizes of square kernels only
    graph = nir.NIRGraph.from_list(image, conv, one, flat, nir.Linear(after), _ifs(4), type_check=False)
    found = from_nir(graph)
    assert found.structure.layers == (40, 18, 4)
    assert found.structure.biased == (True, False)
    x = rng.normal(size=(2, 4, 5))
    wanted = [(x[:, 2 * i : 2 * i + 2, j : j + 3] * k).sum() for k in kernel for i in range(2) for j in range(3)]
    taps = found.structure.taps(x.reshape(1, -1))[0]
    got = (found.weights.synapses[0] * taps).sum(axis=0) + found.weights.biases[0]
    np.testing.assert_allclose(got, np.array(wanted) + np.repeat(bias, 6), rtol=1e-12)
    _same(Weights((found.weights.synapses[1],), ()), Weights((np.ascontiguousarray(after.T),), ()))


def test_leaky_neurons_are_read_and_reported():
    n = np.ones(2)
    found = from_nir(_graph(nir.Linear(np.ones((2, 3))), nir.LIF(5e-3 * n, 2 * n, 0 * n, n, 0 * n)))
    assert found.neurons[0]._asdict() == {
        "kind": "LIF", "r": 2, "v_threshold": 1, "v_reset": 0, "tau": 5e-3, "v_leak": 0,
    }  # fmt: skip


W = np.ones((2, 3))
REFUSED: dict[str, tuple[Any, str]] = {
    "type": (lambda: _graph(nir.Linear(W), nir.CubaLIF(*[np.ones(2)] * 5)), "'cubalif'.*got CubaLIF.*use LIF"),
    "delay": (lambda: _graph(nir.Linear(W), _ifs(2), nir.Delay(np.ones(2))), "'delay'.*expected Input, .*got Delay"),
    "two matrices": (lambda: _graph(nir.Linear(W), nir.Linear(np.ones((4, 2))), _ifs(4)), "'linear_1'.*take turns"),
    "no neurons": (lambda: _graph(nir.Linear(W)), "'output'.*take turns"),
    "bare": (lambda: _graph(nir.Input({"input": np.array([2])}), _ifs(2)), "'if'.*take turns"),
    "differ": (lambda: _graph(nir.Linear(W), _ifs(2, r=np.array([1.0, 2.0]))), "'if': r: neurons of a layer differ"),
    "silent": (lambda: _graph(nir.Linear(W), _ifs(2, r=np.zeros(2))), "'if': r.*does not make fire"),
    "reset": (lambda: _graph(nir.Linear(W), _ifs(2, v_reset=np.ones(2))), "'if': v_threshold.*does not make fire"),
    "infinite": (lambda: _graph(nir.Linear(W * np.inf), _ifs(2)), "'linear': weight: not finite"),
    "words": (lambda: _graph(nir.Affine(W, np.array(["a", "b"])), _ifs(2)), "'affine': bias: not finite numbers"),
    "bias": (lambda: _graph(nir.Affine(W, np.ones(3)), _ifs(2)), "'affine': bias: not one bias per neuron"),
    "empty": (lambda: nir.NIRGraph({}, [], type_check=False), "one node of type Input"),
    "window": (
        lambda: _graph(nir.Linear(np.ones((1, 4)), metadata={"anamorph_window": np.array([1, 2, 2, 1, 1, 2, 2, 1])}),
                       _ifs(1)),
        "'linear': anamorph_window: not the matrix of its window",
    ),
    "padding": (
        lambda: _graph(nir.Input({"input": np.array([1, 3, 3])}),
                       nir.Conv2d((3, 3), np.ones((1, 1, 3, 3)), 1, 1, 1, 1, np.zeros(1)),
                       _ifs(1, r=np.ones((1, 3, 3)), v_threshold=np.ones((1, 3, 3)), v_reset=np.zeros((1, 3, 3)))),
        "'conv2d': padding.*expected 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_carried_is_refused_by_name(case: str):
    make, said = REFUSED[case]
    with pytest.raises(BadInput, match=said):
        from_nir(make())


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ([("input", "a"), ("a", "b"), ("b", "output"), ("b", "a")], "'b'.*feeds 2 nodes"),
        ([("input", "a"), ("a", "b"), ("b", "output"), ("input", "output")], "'input'.*feeds 2 nodes"),
        ([("input", "a"), ("a", "b"), ("b", "b")], "'b'.*is fed by 2"),
        ([("input", "output"), ("a", "b")], "'a'.*not joined"),
        ([("input", "a"), ("a", "b")], "'output'.*not joined"),
        ([("input", "a"), ("a", "c")], "'c'.*not there"),
        ([("input", "a"), ("a", "b"), ("b", "output"), ("output", "input")], "a loop"),
    ],
)
def test_anything_but_a_chain_is_refused(edges: list[tuple[str, str]], said: str):
    nodes = {"input": nir.Input({"input": np.array([3])}), "a": nir.Linear(W), "b": _ifs(2),
             "output": nir.Output({"output": np.array([2])})}  # fmt: skip
    with pytest.raises(BadInput, match=said):
        from_nir(nir.NIRGraph(nodes, edges, type_check=False))


def test_shapes_that_do_not_chain_are_refused():
    nodes = {"input": nir.Input({"input": np.array([4])}), "a": nir.Linear(W), "b": _ifs(2),
             "output": nir.Output({"output": np.array([2])})}  # fmt: skip
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(zip(names, names[1:], strict=False)), type_check=False)
    with pytest.raises(BadInput, match=r"'a': weight: shapes do not chain; expected \[neurons, \*\[4\]\]"):
        from_nir(graph)


def test_files_that_are_no_graphs_are_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="no such file"):
        from_nir(tmp_path / "none.nir")
    for name, content in {"text.nir": b"not HDF5", "empty.nir": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match="not a readable file of NIR"):
            from_nir(tmp_path / name)
    with h5py.File(tmp_path / "other.nir", "w") as file:
        file["data"] = np.ones(3)
    with pytest.raises(BadInput, match="not a readable file of NIR"):
        from_nir(str(tmp_path / "other.nir"))


def _tampered(path: Path, change: Any) -> Path:
    write_nir(path, _graph(nir.Linear(W), _ifs(2)))
    with h5py.File(path, "a") as file:
        change(file)
    return path


def _retyped(file: Any) -> None:
    del file["node/nodes/if/type"]
    file["node/nodes/if/type"] = "LIFF"


def _elsewhere(file: Any) -> None:
    del file["node/nodes/linear/weight"]
    file["node/nodes/linear/weight"] = h5py.ExternalLink("other.h5", "/x")


def _bomb(file: Any) -> None:
    file.create_dataset("node/more", (2**29,), "f8", compression="gzip")


def _circle(file: Any) -> None:
    file["node/nodes/again"] = file["node"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_retyped, "node 'if': this substrate has no such node.*got LIFF. Did you mean 'LIF'"),
        (_elsewhere, "'weight': a link to elsewhere"),
        (_bomb, "256 MiB unpacked"),
        (_circle, "too many objects"),
    ],
)
def test_a_hostile_file_is_refused_before_anything_is_made_of_it(tmp_path: Path, change: Any, said: str):
    with pytest.raises(BadInput, match=said):
        from_nir(_tampered(tmp_path / "net.nir", change))


def test_weights_of_another_network_are_not_exported():
    small = Structure((Dense(3, 2),), (True,))
    with pytest.raises(BadInput, match="another shape"):
        to_nir(mnist_structure(), _weights(small), *_curves())
    broken = _weights(small)
    broken.biases[0][0] = np.nan
    with pytest.raises(BadInput, match="not finite"):
        to_nir(small, broken, *_curves())
