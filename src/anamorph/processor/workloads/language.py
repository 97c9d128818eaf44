"""Language networks from their published definitions: GNMT (recurrent) and BERT (attention)."""

from __future__ import annotations

from anamorph.processor.workloads.build import Builder
from anamorph.processor.workloads.network import Network
from anamorph.processor.workloads.operations import Tensor


def gnmt_1024(tokens: int = 10, vocabulary: int = 32_000, width: int = 1024) -> Network:
    """Google's translation network: Wu et al. 2016, section 3 and Fig. 1; one sentence of `tokens` in and out.

    Eight encoder layers, of which the first reads both ways, and eight decoder layers, each with the attention's
    context beside its input; residual connections from the third layer on. Attention is additive,
    v . tanh(W_q q + W_m m), with the state of the first decoder layer of the step before. Greedy decoding, without beam
    search. Sizes: vocabulary of 32k word pieces (section 4.1), 1,024 units. Without biases, which the paper does not
    count; they would be a per mille of the weights.
    """
    b = Builder("gnmt_1024", "Wu et al. 2016, arXiv:1609.08144, section 3, Fig. 1")
    source, target = b.take("source", tokens), b.take("target", tokens)
    x = b.lookup("encoder.embedding", source, vocabulary, width)
    both = (b.lstm("encoder.1.forward", x, width), b.lstm("encoder.1.backward", x, width))
    memory = _layers(b, "encoder", b.concatenate("encoder.1", *both, axis=1), width, first=2)

    keys = b.dense("attention.memory", memory, width, bias=False)
    y = b.lookup("decoder.embedding", target, vocabulary, width)
    query = b.fed_back("attention.query", width, width, steps=tokens)
    pairs = tokens * tokens * width
    sums = b.auxiliary("attention.sum", "addition", (query, keys), (tokens, tokens, width), pairs, steps=tokens)
    sums = b.auxiliary("attention.tanh", "activation", (sums,), sums.shape, pairs, "tanh", steps=tokens)
    scores = b.auxiliary(
        "attention.scores", "vector product", (sums,), (tokens, tokens), pairs, "v . tanh", width, steps=tokens
    )
    weights = b.auxiliary("attention.softmax", "softmax", (scores,), scores.shape, scores.size, steps=tokens)
    context = b.auxiliary(
        "attention.context", "vector product", (weights, memory), (tokens, width), pairs, steps=tokens
    )
    y = _layers(b, "decoder", y, width, first=1, beside=(context,))
    b.softmax("softmax", b.dense("words", y, vocabulary, bias=False, steps=tokens))
    return b.network()


def _layers(b: Builder, name: str, x: Tensor, width: int, first: int, beside: tuple[Tensor, ...] = ()) -> Tensor:
    """Layers up to the eighth; each from the third on adds its input to its output (Wu et al. 2016, section 3.1)."""
    for layer in range(first, 9):
        y = b.lstm(f"{name}.{layer}", x, width, beside=beside)
        x = b.add(f"{name}.{layer}.residual", y, x) if layer > 2 else y
    return x


def bert_base(tokens: int = 128) -> Network:
    """BERT base, uncased: Devlin et al. 2019, section 3: 12 layers, 768 wide, 12 heads, inner layers of 3,072.

    Embeddings of 30,522 word pieces, 512 positions and two segments; with the pooler, without a task's own head. One
    inference is a text of `tokens`.
    """
    width, inner, heads = 768, 3072, 12
    b = Builder("bert_base", "Devlin et al. 2019, arXiv:1810.04805, section 3")
    words, positions, segments = (b.take(name, tokens) for name in ("words", "positions", "segments"))
    parts = (
        b.lookup("embedding.words", words, 30_522, width),
        b.lookup("embedding.positions", positions, 512, width),
        b.lookup("embedding.segments", segments, 2, width),
    )
    x = b.normalise("embedding.norm", b.add("embedding", *parts), 2 * width, "layer")
    for layer in range(1, 13):
        name = f"layer{layer}"
        q, k, v = (b.dense(f"{name}.{part}", x, width) for part in ("query", "key", "value"))
        pairs = tokens * tokens * width
        scores = b.auxiliary(f"{name}.scores", "vector product", (q, k), (heads, tokens, tokens), pairs)
        mixed = b.auxiliary(
            f"{name}.context", "vector product", (b.softmax(f"{name}.softmax", scores), v), (tokens, width), pairs
        )
        y = b.add(f"{name}.attention.add", b.dense(f"{name}.attention", mixed, width), x)
        x = b.normalise(f"{name}.attention.norm", y, 2 * width, "layer")
        y = b.function(f"{name}.gelu", b.dense(f"{name}.inner", x, inner), "gelu")
        y = b.add(f"{name}.add", b.dense(f"{name}.outer", y, width), x)
        x = b.normalise(f"{name}.norm", y, 2 * width, "layer")
    first = b.auxiliary("pooler.token", "rearrangement", (x,), (1, width), 0, "first token")
    b.function("pooler.tanh", b.dense("pooler", first, width), "tanh")
    return b.network()
