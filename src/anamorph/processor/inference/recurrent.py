"""LSTM, GRU and RNN step by step, each step's products of [x, h] by `Products`; what gates do is digital.

The equations are those of ONNX's operators, with gates in its order: input, output, forget, cell; update, reset,
hidden. Sequences are of full length; `clip` bounds the sums of gates and, as onnxruntime does it, not a cell's state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun
from scipy.special import expit

from anamorph.errors import BadInput

Function = Callable[[np.ndarray], np.ndarray]
#: Activations of recurrent operators: of a value and two parameters, with these parameters' defaults.
_ACTIVATIONS: dict[str, tuple[Callable[[np.ndarray, float, float], np.ndarray], float, float]] = {
    "affine": (lambda x, a, b: a * x + b, 1.0, 0.0),
    "elu": (lambda x, a, b: np.where(x >= 0, x, a * np.expm1(np.minimum(x, 0))), 1.0, 0.0),
    "hardsigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), 0.2, 0.5),
    "leakyrelu": (lambda x, a, b: np.where(x >= 0, x, a * x), 0.01, 0.0),
    "relu": (lambda x, a, b: np.maximum(x, 0), 0.0, 0.0),
    "scaledtanh": (lambda x, a, b: a * np.tanh(b * x), 1.0, 1.0),
    "sigmoid": (lambda x, a, b: expit(x), 0.0, 0.0),
    "softplus": (lambda x, a, b: np.logaddexp(x, 0), 0.0, 0.0),
    "softsign": (lambda x, a, b: x / (1 + np.abs(x)), 0.0, 0.0),
    "tanh": (lambda x, a, b: np.tanh(x), 0.0, 0.0),
    "thresholdedrelu": (lambda x, a, b: np.where(x > a, x, 0), 1.0, 0.0),
}
_PARAMETERS = {"affine": 2, "elu": 1, "hardsigmoid": 2, "leakyrelu": 1, "scaledtanh": 2, "thresholdedrelu": 1}


class _Recurrent(OpRun):
    """What the three have in common: directions, layouts, states."""

    shared: Any
    gates: int
    default: tuple[str, ...]

    def _layer(self, x: np.ndarray, weights: Sequence[np.ndarray | None], states: Sequence[np.ndarray | None],
               lengths: np.ndarray | None, **options: Any) -> tuple[np.ndarray, ...]:  # fmt: skip
        """Outputs of all steps and the last states; `weights` are W, R, B, `states` as many as the cell has."""
        layout = options.get("layout") or 0
        w, r, b = weights
        assert w is not None and r is not None
        if layout:
            x, states = np.swapaxes(x, 0, 1), [None if s is None else np.swapaxes(s, 0, 1) for s in states]
        if lengths is not None and np.any(lengths != len(x)):
            raise BadInput("sequences of different lengths", where=self.onnx_node.name or self.onnx_node.op_type)
        hidden, outputs, last = r.shape[-1], [], []
        way = options.get("direction") or "forward"
        for number in range(len(w)):
            backward = way == "reverse" or number == 1
            start = [np.zeros((x.shape[1], hidden), x.dtype) if s is None else s[number] for s in states]
            bias = np.zeros(2 * self.gates * hidden, x.dtype) if b is None else b[number]
            name = self.shared.name(self.onnx_node)
            name = name if len(w) == 1 else f"{name}.{('forward', 'backward')[number]}"
            functions = self._functions(number, options)
            found, ends = self._run_steps(name, x[::-1] if backward else x, w[number], r[number], bias, start,
                                          functions, options)  # fmt: skip
            outputs.append(found[::-1] if backward else found)
            last.append(ends)
        y = np.stack(outputs, axis=1)
        ends = [np.stack(one) for one in zip(*last, strict=True)]
        if layout:
            y, ends = y.transpose(2, 0, 1, 3), [np.swapaxes(one, 0, 1) for one in ends]
        found = [one.astype(x.dtype, copy=False) for one in (y, *ends)]
        return tuple(found[: len(self.onnx_node.output)])

    def _functions(self, number: int, options: dict[str, Any]) -> list[Function]:
        """Activations of a direction, each after `clip`."""
        named = options.get("activations") or list(self.default) * 2
        alphas, betas = list(options.get("activation_alpha") or ()), list(options.get("activation_beta") or ())
        found: list[Function] = []
        for name in named:
            function, a, b = _ACTIVATIONS[name.lower()]
            wants = _PARAMETERS.get(name.lower(), 0)
            a = alphas.pop(0) if wants >= 1 and alphas else a
            b = betas.pop(0) if wants >= 2 and betas else b
            of_state = len(found) % len(self.default) == 2
            found.append(_clipped(function, a, b, None if of_state else options.get("clip")))
        count = len(self.default)
        return found[number * count : (number + 1) * count]

    def _product(self, name: str, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        """x w^T, as ONNX stores it."""
        return self.shared.products(name, np.ascontiguousarray(x)[None], w.T[None])[0]

    def _run_steps(self, name: str, x: np.ndarray, w: np.ndarray, r: np.ndarray, bias: np.ndarray,
                   start: Sequence[np.ndarray], functions: Sequence[Function], options: dict[str, Any],
                   ) -> tuple[np.ndarray, list[np.ndarray]]:  # fmt: skip
        raise NotImplementedError


def _clipped(function: Callable[..., np.ndarray], a: Any, b: Any, most: Any) -> Function:
    return lambda x: function(x if not most else np.clip(x, -most, most), a, b)


class _Lstm(_Recurrent):
    gates, default = 4, ("Sigmoid", "Tanh", "Tanh")

    def _run(self, x: np.ndarray, w: np.ndarray, r: np.ndarray, b: np.ndarray | None = None,
             lengths: np.ndarray | None = None, h: np.ndarray | None = None, c: np.ndarray | None = None,
             peepholes: np.ndarray | None = None, **options: Any) -> tuple[np.ndarray, ...]:  # fmt: skip
        if peepholes is not None or options.get("input_forget"):
            raise BadInput("an LSTM with peepholes or coupled gates", where=self.onnx_node.name or "LSTM")
        return self._layer(x, (w, r, b), (h, c), lengths, **options)

    def _run_steps(self, name: str, x: np.ndarray, w: np.ndarray, r: np.ndarray, bias: np.ndarray,
                   start: Sequence[np.ndarray], functions: Sequence[Function], options: dict[str, Any],
                   ) -> tuple[np.ndarray, list[np.ndarray]]:  # fmt: skip
        (h, c), (f, g, last), found = start, functions, []
        both, added = np.concatenate([w, r], axis=1), np.add(*np.split(bias, 2))
        for one in x:
            sums = self._product(f"{name}.gates", np.concatenate([one, h], axis=1), both) + added
            into, out, forget, cell = np.split(sums, 4, axis=1)
            c = f(forget) * c + f(into) * g(cell)
            h = f(out) * last(c)
            found.append(h)
        return np.stack(found), [h, c]


class _Gru(_Recurrent):
    gates, default = 3, ("Sigmoid", "Tanh")

    def _run(self, x: np.ndarray, w: np.ndarray, r: np.ndarray, b: np.ndarray | None = None,
             lengths: np.ndarray | None = None, h: np.ndarray | None = None, **options: Any,
             ) -> tuple[np.ndarray, ...]:  # fmt: skip
        return self._layer(x, (w, r, b), (h,), lengths, **options)

    def _run_steps(self, name: str, x: np.ndarray, w: np.ndarray, r: np.ndarray, bias: np.ndarray,
                   start: Sequence[np.ndarray], functions: Sequence[Function], options: dict[str, Any],
                   ) -> tuple[np.ndarray, list[np.ndarray]]:  # fmt: skip
        (h,), (f, g), n, found = start, functions, 2 * r.shape[1], []
        of_x, of_h = np.split(bias, 2)
        gates = np.concatenate([w[:n], r[:n]], axis=1)
        before = bool(options.get("linear_before_reset"))
        ahead = self._ahead(name, x, w[n:]) if before else None
        for step, one in enumerate(x):
            sums = self._product(f"{name}.update_reset", np.concatenate([one, h], axis=1), gates)
            z, reset = np.split(f(sums + of_x[:n] + of_h[:n]), 2, axis=1)
            if ahead is not None:
                state = self._product(f"{name}.candidate.state", h, r[n:]) + of_h[n:]
                new = g(ahead[step] + of_x[n:] + reset * state)
            else:
                both = np.concatenate([w[n:], r[n:]], axis=1)
                new = self._product(f"{name}.candidate", np.concatenate([one, reset * h], axis=1), both)
                new = g(new + of_x[n:] + of_h[n:])
            h = (1 - z) * new + z * h
            found.append(h)
        return np.stack(found), [h]

    def _ahead(self, name: str, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        """The part of all steps' candidates that needs no state."""
        y = self._product(f"{name}.candidate", x.reshape(-1, x.shape[-1]), w)
        return y.reshape(*x.shape[:2], -1)


class _Rnn(_Recurrent):
    gates, default = 1, ("Tanh",)

    def _run(self, x: np.ndarray, w: np.ndarray, r: np.ndarray, b: np.ndarray | None = None,
             lengths: np.ndarray | None = None, h: np.ndarray | None = None, **options: Any,
             ) -> tuple[np.ndarray, ...]:  # fmt: skip
        return self._layer(x, (w, r, b), (h,), lengths, **options)

    def _run_steps(self, name: str, x: np.ndarray, w: np.ndarray, r: np.ndarray, bias: np.ndarray,
                   start: Sequence[np.ndarray], functions: Sequence[Function], options: dict[str, Any],
                   ) -> tuple[np.ndarray, list[np.ndarray]]:  # fmt: skip
        (h,), (f,), found = start, functions, []
        both, added = np.concatenate([w, r], axis=1), np.add(*np.split(bias, 2))
        for one in x:
            h = f(self._product(f"{name}.gates", np.concatenate([one, h], axis=1), both) + added)
            found.append(h)
        return np.stack(found), [h]


RECURRENT: dict[str, type[OpRun]] = {"LSTM": _Lstm, "GRU": _Gru, "RNN": _Rnn}
