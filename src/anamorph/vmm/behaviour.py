r"""A memory-cell multiplier as it behaves: inputs, weights and a die's deviations in, what its converters say out.

    w -> pairs of currents -> written, drifted, at another temperature (cells.py) -> what wires leave of them
    x -> pulses (encoding_ins.py, encoding_lin.py, encoding_exp.py) -> signals of plus and minus lines
    difference -> offset, scale -> converter

Weights are in -1..1, inputs in 0..1, outputs in units of the product of the largest of both: the answer is near
``x @ w``. Which errors act is a value (`Errors`); without any it is that product of rounded inputs and weights.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from anamorph.errors import BadInput
from anamorph.vmm import cells, dies, encoding_exp, encoding_ins, encoding_lin, rounding
from anamorph.vmm.design import INS, LIN, Design, Encoding
from anamorph.vmm.dies import VmmDie
from anamorph.vmm.magnitudes import Magnitudes, magnitudes
from anamorph.vmm.physics import Physics, physics_of
from anamorph.vmm.sources import Errors

#: Patterns from which `Vmm.trimmed` finds the scale.
TRIM_PATTERNS = 256


@dataclass(frozen=True)
class Structure:
    """What compiled code depends on; all figures are arguments of it (`Magnitudes`).

    Attributes:
        active: whether cells are current sources.
        encoding: of the inputs.
        input_bits, weight_bits, output_bits: of the design.
        span: where converters end, in units of products.
        rectify: whether they begin at zero.
    """

    active: bool
    encoding: Encoding
    input_bits: int
    weight_bits: int
    output_bits: int
    span: float
    rectify: bool


@dataclass(frozen=True)
class Vmm:
    """A multiplier of a design. Frozen and hashable: a static argument of compiled functions.

    Attributes:
        design: cell, encoding, bits, size.
        physics: figures of its cells and periphery; those of the cards if left out.
        errors: which sources of error act.
        full_scale: where the converters end, in units of products; the root of the number of rows if left out, three
            standard deviations of a sum of random products.
        rectify: converters span 0 to `full_scale`, not both signs.
        scale: what outputs are multiplied by, see `trimmed`.

    Raises:
        BadInput: amplitudes into active cells that cannot mirror currents, other figures than the cell's kind,
            or a full scale that is not above zero.
    """

    design: Design
    physics: Physics = field(default=None)  # pyright: ignore[reportAssignmentType]
    errors: Errors = Errors()
    full_scale: float | None = None
    rectify: bool = False
    scale: float = 1.0

    def __post_init__(self) -> None:
        cell = self.design.cell
        if self.physics is None:
            object.__setattr__(self, "physics", physics_of(self.design))
        if self.physics.active != cell.active:
            raise BadInput("figures of another kind of cell", where=f"vmm physics: {cell.name}",
                           expected="active cells" if cell.active else "passive cells")  # fmt: skip
        if self.design.encoding is INS and cell.active and not cell.gate_coupled:
            raise BadInput("this cell cannot mirror an input current", where=f"vmm design: {cell.name}, ins",
                           expected="lin or exp", advice="Amplitudes need gate-coupled or passive cells.")  # fmt: skip
        if self.full_scale is not None and not (np.isfinite(self.full_scale) and self.full_scale > 0):
            raise BadInput("not a full scale", where="vmm full_scale", expected="above 0", got=f"{self.full_scale}")

    @property
    def span(self) -> float:
        """Where converters end, in units of products."""
        return float(self.full_scale or np.sqrt(self.design.rows))

    @property
    def structure(self) -> Structure:
        """What compiled code depends on."""
        bits = (self.design.input_bits, self.design.weight_bits, self.design.output_bits)
        return Structure(self.design.cell.active, self.design.encoding, *bits, self.span, self.rectify)

    @functools.cached_property
    def magnitudes(self) -> Magnitudes:
        """How large every error is."""
        return magnitudes(self.design, self.physics, self.errors, self.scale)

    def fabricate(self, key: PRNGKeyArray, n_dies: int = 1) -> VmmDie:
        """Draw dies; die i follows from the key and i alone."""
        return dies.fabricated(key, n_dies, self.design.rows, self.design.columns)

    def nominal(self) -> VmmDie:
        """One die without deviation, with an axis of dies."""
        return jax.tree.map(lambda part: part[None], dies.nominal(self.design.rows, self.design.columns))

    def quantise_weights(self, weights: Float[Array, "*any"]) -> Float[Array, "*any"]:
        """Weights on the design's levels; the gradient passes straight through."""
        return rounding.weights_to_bits(weights, self.design.weight_bits)

    def quantise_inputs(self, inputs: Float[Array, "*any"]) -> Float[Array, "*any"]:
        """Inputs on the design's levels; the gradient passes straight through."""
        return rounding.inputs_to_bits(inputs, self.design.input_bits)

    def quantise_outputs(self, outputs: Float[Array, "*any"]) -> Float[Array, "*any"]:
        """Outputs on the converter's levels; the gradient passes straight through between its ends."""
        return rounding.outputs_to_bits(outputs, self.design.output_bits, self.span, self.rectify)

    def reference(
        self, weights: Float[Array | np.ndarray, "..."], inputs: Float[Array | np.ndarray, "..."]
    ) -> Float[Array, "..."]:
        """The product of rounded inputs and weights, as a multiplier without errors and converters gives it."""
        x, w = jnp.asarray(inputs, float), jnp.asarray(weights, float)
        return self.quantise_inputs(x) @ self.quantise_weights(w)

    def run(
        self,
        die: VmmDie,
        weights: Float[Array | np.ndarray, "..."],
        inputs: Float[Array | np.ndarray, "..."],
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "dies patterns columns"]:
        """Outputs of dies, wires solved exactly.

        Args:
            die: one or more, with an axis of dies.
            weights: ``[rows, columns]``, the same for all dies, or each its own, ``[dies, rows, columns]``.
            inputs: ``[patterns, rows]``, or likewise.
            key: of the noise; without one there is none.

        Raises:
            BadInput: sizes that do not match, weights outside -1..1, inputs outside 0..1, NaN.
        """
        w, x = jnp.asarray(weights, float), jnp.asarray(inputs, float)
        self._check(die, w, x)
        return _run(self.structure, self.magnitudes, die, w, x, key)

    def forward(
        self,
        weights: Float[Array, "rows columns"],
        inputs: Float[Array, "patterns rows"],
        key: PRNGKeyArray | None = None,
        die: VmmDie | None = None,
    ) -> Float[Array, "patterns columns"]:
        """Outputs of one die (without the axis of dies; the nominal one if left out), to be differentiated.

        Rounding passes gradients straight through. Losses in the wires of passive cells are those of
        ``1 / (1 + loss)`` (`cells.kept`), not of a solved network. What is outside the ranges is clipped.
        """
        given = dies.nominal(self.design.rows, self.design.columns) if die is None else die
        own: VmmDie = jax.tree.map(lambda part: part.astype(inputs.dtype), given)
        return answer(self.structure, self.magnitudes, own, weights, inputs, key, exact=False)

    def trimmed(self, key: PRNGKeyArray) -> Vmm:
        """The same with the scale that fits the nominal die's answers to random data best, by least squares."""
        of_weights, of_inputs = jax.random.split(key)
        design = self.design
        w = jax.random.uniform(of_weights, (design.rows, design.columns), minval=-1.0)
        x = jax.random.uniform(of_inputs, (TRIM_PATTERNS, design.rows))
        free = replace(self, errors=self.errors.without("resolution"), scale=1.0)
        found, wanted = np.asarray(free.run(free.nominal(), w, x)[0]), np.asarray(self.reference(w, x))
        return replace(self, scale=float(np.vdot(found, wanted) / np.vdot(found, found)))

    def _check(self, die: VmmDie, w: Array, x: Array) -> None:
        size = (self.design.rows, self.design.columns)
        n_dies = len(die.offset)
        where = "vmm run"
        if die.tuning.shape[-2:] != size or die.tuning.ndim != 4:
            raise BadInput("a die of another size", where=where, expected=f"{size}", got=f"{die.tuning.shape[-2:]}")
        if w.ndim not in (2, 3) or w.shape[-2:] != size or (w.ndim == 3 and len(w) != n_dies):
            raise BadInput("weights do not fit", where=where, expected=f"{size}, or {(n_dies, *size)}",
                           got=str(w.shape))  # fmt: skip
        if x.ndim not in (2, 3) or x.shape[-1] != size[0] or (x.ndim == 3 and len(x) != n_dies):
            raise BadInput("inputs do not fit", where=where, expected=f"[patterns, {size[0]}], or for {n_dies} dies",
                           got=str(x.shape))  # fmt: skip
        for what, values, low in (("weights", w, -1.0), ("inputs", x, 0.0)):
            # what a float32 network leaves of a bound
            if not bool(((values >= low - 1e-6) & (values <= 1 + 1e-6)).all()):
                raise BadInput(f"{what} out of range", where=where, expected=f"{low:g} to 1",
                               got=f"{float(jnp.nanmin(values)):g} to {float(jnp.nanmax(values)):g}, "
                                   f"{int(jnp.isnan(values).sum())} NaN")  # fmt: skip


def answer(
    vmm: Structure,
    m: Magnitudes,
    die: VmmDie,
    weights: Float[Array, "rows columns"],
    inputs: Float[Array, "patterns rows"],
    key: PRNGKeyArray | None,
    *,
    exact: bool,
) -> Float[Array, "patterns columns"]:
    """Outputs of one die, with errors of these magnitudes; wires solved exactly or estimated."""
    x = rounding.inputs_to_bits(inputs, vmm.input_bits)
    signals = line_signals(vmm, m, die, rounding.weights_to_bits(weights, vmm.weight_bits), x, key, exact=exact)
    # pairs share their smallest current; what is left for a weight is a little less than the largest
    y = (signals[0] - signals[1]) / (1 - m.base) + m.offset * die.offset
    y = m.scale * y * jnp.exp(m.gain * die.gain)
    return jnp.where(m.rounded > 0, rounding.outputs_to_bits(y, vmm.output_bits, vmm.span, vmm.rectify), y)


def line_signals(
    vmm: Structure,
    m: Magnitudes,
    die: VmmDie,
    w: Float[Array, "rows columns"],
    x: Float[Array, "patterns rows"],
    key: PRNGKeyArray | None,
    *,
    exact: bool,
) -> Float[Array, "lines patterns columns"]:
    """Signals of plus and minus lines for rounded weights and inputs, in units of products."""
    currents = cells.written(cells.targets(w, m.base), m, die)
    share = cells.kept(currents, m, vmm.active, exact)
    if vmm.encoding is INS and not vmm.active:
        return encoding_ins.passive(x, currents, share, m, die, key)
    if vmm.active:
        left = currents * share
    else:
        powers = zip(cells.POWERS, cells.bent(m.curvature), strict=True)
        left = currents * sum(coefficient * share**p for p, coefficient in powers)
    if vmm.encoding is INS:
        return encoding_ins.gate_coupled(x, left, m, die, key)
    if vmm.encoding is LIN:
        return encoding_lin.lines(x, left, m, die, key, vmm.input_bits)
    return encoding_exp.lines(x, left, m, die, key)


@functools.partial(jax.jit, static_argnums=0)
def _run(vmm: Structure, m: Magnitudes, die: VmmDie, w: Array, x: Array, key: PRNGKeyArray | None) -> Array:
    keys = None if key is None else jax.random.split(key, len(die.offset))
    axes = (0, 0 if w.ndim == 3 else None, 0 if x.ndim == 3 else None, None if keys is None else 0)

    def one(own: VmmDie, weights: Array, inputs: Array, noise: PRNGKeyArray | None) -> Array:
        return answer(vmm, m, own, weights, inputs, noise, exact=True)

    return jax.vmap(one, in_axes=axes)(die, w, x, keys)
