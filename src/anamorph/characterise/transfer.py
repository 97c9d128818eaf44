"""What training may know of a chip: differentiable characteristics fitted to a measurement."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class Rectifier(eqx.Module):
    """``f(r) = max(0, a r)``, one slope `a` per neuron (Binas et al. 2016, section 1.1).

    Attributes:
        slope: ``[dies, n]``, normalised to a mean of 1 over the layer.
        spread: standard deviation of the slope over repeated measurements, ``[dies, n]``.
        fit_error: largest residual of the fit over its domain, as a fraction of full scale, ``[dies, n]``.
        domain: input currents over which it was measured, A, lowest and highest.
    """

    slope: Float[Array, "dies n"]
    spread: Float[Array, "dies n"]
    fit_error: Float[Array, "dies n"]
    domain: tuple[float, float] = eqx.field(static=True)

    def first(self, n: int) -> Rectifier:
        """The first `n` neurons. A substrate whose neurons have more to them than a slope overrides it."""
        return Rectifier(self.slope[:, :n], self.spread[:, :n], self.fit_error[:, :n], self.domain)


class Transfer(eqx.Module):
    """The measured chip as training sees it; `dies` chips at once.

    A mirror's gain falls slowly as its transistors leave weak inversion, faster for one polarity than for the
    other. Over the measured decade a power law holds within the fit's error: what a source of strength x adds
    through a positive weight is ``w x^gamma_p``, and through a negative one ``w x^gamma_n``. The
    paper's rectifier is gamma = 1.

    Attributes:
        activations: one `Rectifier` per neuron layer, the input layer first.
        negative_unit: strength of a negative weight unit relative to a positive one at full scale, ``[dies]``.
        exponents: gamma_p and gamma_n, ``[dies, 2]``.
        source: where it comes from: ``"measured"`` or ``"assumed"``.
        synapses: per weight matrix, what each of `synapse_settings` gives every synapse, in units of what a positive
            unit gives on average, ``[dies, settings, n_in, n_out]``, positive for both signs; None where synapses were
            not measured one by one.
        synapse_settings: the settings that were measured.
    """

    activations: tuple[Rectifier, ...]
    negative_unit: Float[Array, " dies"]
    exponents: Float[Array, "dies 2"]
    source: str = eqx.field(static=True)
    synapses: tuple[Float[Array, "dies settings _ _"], ...] | None = None
    synapse_settings: tuple[int, ...] = eqx.field(static=True, default=())

    @property
    def n_dies(self) -> int:
        """How many chips it describes."""
        return self.negative_unit.shape[0]

    def select(self, shape: tuple[int, ...]) -> Transfer:
        """The first neurons of each layer: where a network smaller than the chip is placed."""
        chosen = tuple(a.first(n) for a, n in zip(self.activations, shape, strict=True))
        synapses = self.synapses
        if synapses is not None:
            sizes = zip(synapses, shape, shape[1:], strict=False)
            synapses = tuple(one[:, :, :n_in, :n_out] for one, n_in, n_out in sizes)
        return Transfer(chosen, self.negative_unit, self.exponents, self.source, synapses, self.synapse_settings)

    @classmethod
    def uniform(
        cls,
        shape: tuple[int, ...],
        negative_unit: float,
        domain: tuple[float, float],
        exponents: tuple[float, float] = (1.0, 1.0),
    ) -> Transfer:
        """Every neuron alike: what one assumes who has measured nothing."""
        ones = [jnp.ones((1, n)) for n in shape]
        activations = tuple(Rectifier(o, 0 * o, 0 * o, domain) for o in ones)
        return cls(activations, jnp.full((1,), negative_unit), jnp.array([exponents]), "assumed")
