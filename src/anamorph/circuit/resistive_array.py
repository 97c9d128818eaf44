r"""An array of cells between word lines and bit lines whose wires have resistance.

    v_i --r_driver--w_i0--r_word--w_i1--r_word-- ..          word line of row i
                      |g_i0         |g_i1
                     u_i0          u_i1                      bit lines: r_bit from row to row, then r_sense to the
                      |r_bit        |r_bit                   amplifier, which holds its input at a voltage

With ideal wires the output currents are ``i = v @ G``. With real ones they still are a linear map of the inputs, of
another matrix: `effective_conductance`. One exact elimination (`line_network.py`) finds it for any number of inputs,
and it can be differentiated in every conductance and resistance.

Passive cells that are not ohmic, ``I = f(w - u)``: `resistive_cells.solve_cells` iterates on the factorised ohmic
network. Active cells, which are current sources with some output conductance: the same, or `voltages` with their
currents given.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anamorph.circuit import line_network
from anamorph.circuit.line_network import Factors, Lines, Ohm
from anamorph.errors import BadInput, nearest

#: Arrays of any shapes that broadcast.
Reals = Float[Array | np.ndarray, "..."]
#: Where word lines are driven, and where bit lines are read.
WORD_SIDES = {"left": "start", "right": "end", "both": "both"}
BIT_SIDES = ("bottom", "top")


@dataclass(frozen=True, eq=False)
class ResistiveArray:
    """A crossbar, or a stack of them with the same wires.

    Attributes:
        conductance: of every cell, ``[*stack, rows, cols]``, S; zero is an open cell.
        r_word: of a word line from one cell to the next, ohm.
        r_bit: of a bit line from one cell to the next, ohm.
        r_driver: from the voltage source to the first cell of the word line, that piece of wire included, ohm.
        r_sense: from the last cell of the bit line to the amplifier's virtual ground: that piece of wire, and the
            amplifier's own input resistance, ohm.
        word_side: where word lines are driven: ``"left"`` (before column 0), ``"right"``, or ``"both"``.
        bit_side: where bit lines are read: ``"bottom"`` (after the last row) or ``"top"``.

    Raises:
        BadInput: a shape that is no array of cells, a negative or infinite value, an unknown side.
    """

    conductance: Reals
    r_word: Ohm = 0.0
    r_bit: Ohm = 0.0
    r_driver: Ohm = 0.0
    r_sense: Ohm = 0.0
    word_side: str = "left"
    bit_side: str = "bottom"

    def __post_init__(self) -> None:
        shape = np.shape(self.conductance)
        if len(shape) < 2 or 0 in shape:
            expected = "[rows, columns], or a stack of them, none empty"
            raise BadInput("not an array of cells", where="conductance", expected=expected, got=str(shape))
        for name in ("conductance", "r_word", "r_bit", "r_driver", "r_sense"):
            _check_passive(name, getattr(self, name))
        for name, sides in (("word_side", tuple(WORD_SIDES)), ("bit_side", BIT_SIDES)):
            given = getattr(self, name)
            if given not in sides:
                raise BadInput(
                    f"no side '{given}'", where=name, expected=" or ".join(sides), advice=nearest(given, sides)
                )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of one array."""
        rows, cols = np.shape(self.conductance)[-2:]
        return rows, cols

    @property
    def stack(self) -> tuple[int, ...]:
        """Shape of the stack; () for one array."""
        return np.shape(self.conductance)[:-2]

    @cached_property
    def _effective(self) -> Float[Array, "*stack rows cols"]:
        rows, cols = self.shape
        g = self._as_read(jnp.asarray(self.conductance, float))
        if cols <= rows or self.word_side == "both":
            return self._as_read(line_network.transfers(g, self._word(), _segments(rows, self.r_bit, self.r_sense)))
        # a network of resistors is reciprocal: what source i drives into amplifier j, a source in j's place drives
        # into i. So the lines may change roles, and the matrices inside have the smaller size
        axis = -1 if self.word_side == "left" else ()
        word = line_network.shared_resistance(rows, self.r_bit, self.r_sense, "end")
        turned = jnp.swapaxes(jnp.flip(g, axis), -1, -2)
        found = line_network.transfers(turned, word, _segments(cols, self.r_word, self.r_driver))
        return self._as_read(jnp.flip(jnp.swapaxes(found, -1, -2), axis))

    def effective_conductance(self) -> Float[Array, "*stack rows cols"]:
        """The matrix E that the array with its wires is, ``i = v @ E``, S.

        Computed once, then kept. Currents only of the inputs: amplifiers that hold another voltage than
        ground are for `voltages`.
        """
        return self._effective

    def solve(self, v: Reals) -> Float[Array, "*stack inputs cols"]:
        """Output currents, A, for inputs ``[inputs, rows]`` (V), or ``[*stack, inputs, rows]``.

        Raises:
            BadInput: a shape that is not that, or a value that is not finite.
        """
        return self._inputs(v) @ self._effective

    @cached_property
    def factors(self) -> Factors:
        """The elimination of every array of the stack, its rows in the order of `bit_side`; found once, then kept."""
        rows, cols = self.shape
        segment = _segments(rows, self.r_bit, self.r_sense)
        flat = self._as_read(jnp.asarray(self.conductance, float)).reshape(-1, rows, cols)
        return line_network.factorise(flat, self._word(), segment)

    def voltages(self, v: Reals, v_sense: Reals | float = 0.0, beside: Reals | float = 0.0) -> Lines:
        """Every node's voltage and every cell's current, ``[*stack, inputs, rows, cols]``.

        Args:
            v: inputs, ``[inputs, rows]`` or ``[*stack, inputs, rows]``, V.
            v_sense: what the amplifiers hold the ends of the bit lines at, V; broadcasts to
                ``[*stack, inputs, cols]``.
            beside: a current source beside every cell, from word to bit line, A; broadcasts to
                ``[*stack, inputs, rows, cols]``. An active cell is one, and the array's conductance its output
                conductance.
        """
        rows, cols = self.shape
        inputs = self._inputs(v)
        count = inputs.shape[-2]
        held = jnp.broadcast_to(jnp.asarray(v_sense, float), (*self.stack, count, cols))
        inputs = self._as_read(jnp.broadcast_to(inputs, (*self.stack, count, rows)), axis=-1)
        currents = self._as_read(jnp.broadcast_to(jnp.asarray(beside, float), (*self.stack, count, rows, cols)))
        flat = (x.reshape(-1, *x.shape[len(self.stack) :]) for x in (inputs, held, currents))
        found = line_network.solve(self.factors, *flat)
        word, bit, cell, output = (x.reshape(*self.stack, *x.shape[1:]) for x in found)
        return Lines(self._as_read(word), self._as_read(bit), self._as_read(cell), output)

    def _word(self) -> Float[Array, "cols cols"]:
        return line_network.shared_resistance(self.shape[1], self.r_word, self.r_driver, WORD_SIDES[self.word_side])

    def _as_read(self, x: Float[Array, "..."], axis: int = -2) -> Float[Array, "..."]:
        """The rows in the order in which bit lines collect them; its own inverse."""
        return jnp.flip(x, axis) if self.bit_side == "top" else x

    def _inputs(self, v: Reals) -> Float[Array, "..."]:
        inputs = jnp.asarray(v, float)
        rows, stack = self.shape[0], self.stack
        if inputs.ndim < 2 or inputs.shape[-1] != rows or inputs.shape[:-2] not in ((), stack):
            expected = f"[inputs, {rows}]" + (f" or {[*stack, 'inputs', rows]}" if stack else "")
            raise BadInput("inputs do not fit the array", where="v", expected=expected, got=str(inputs.shape))
        _check_finite("v", inputs)
        return inputs


def _segments(count: int, between: Ohm, last: Ohm) -> Float[Array, " count"]:
    """Resistance behind each row."""
    return jnp.full(count, between, float).at[-1].set(last)


def _check_passive(name: str, value: Reals | Ohm) -> None:
    """Raises `BadInput` for what no resistor has; a traced value cannot be looked at."""
    if isinstance(value, jax.core.Tracer):
        return
    numbers = np.asarray(value, float)
    if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
        bad = numbers[~(np.isfinite(numbers) & (numbers >= 0))].ravel()[0]
        raise BadInput("not a passive array", where=name, expected="zero or more, finite", got=repr(float(bad)))


def _check_finite(name: str, value: Float[Array, "..."]) -> None:
    if not isinstance(value, jax.core.Tracer) and not np.isfinite(np.asarray(value)).all():
        raise BadInput("not finite", where=name, expected="finite numbers", got="a NaN or infinity")
