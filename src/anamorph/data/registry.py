"""Data sets by name: what each is, where it comes from, which files it needs, and how it becomes a `Task`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from anamorph.data.parts import Part, obtain
from anamorph.errors import BadInput, nearest

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from anamorph.data.task import Task


@dataclass(frozen=True)
class Option:
    """One choice in how a data set is prepared: what it is, its default, and the values that a text may have."""

    meaning: str
    default: Any
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSet:
    """One entry.

    Attributes:
        name: as ``data.name`` of an experiment.
        summary: one line.
        source: who made it.
        licence: as its makers state it.
        n_features: of a sample.
        n_classes: of the task.
        n_train: training samples of the official split, or, where the split is drawn at random, of the usual one;
            None where only the user's copy says.
        n_test: test samples, likewise.
        drawn: the split is drawn at random; otherwise it is the official one.
        load: ``(key, train, test, **options) -> Task``, with all files here.
        parts: the files it needs.
        options: by name.
    """

    name: str
    summary: str
    source: str
    licence: str
    n_features: int
    n_classes: int
    n_train: int | None
    n_test: int | None
    drawn: bool
    load: Callable[..., Task] = field(repr=False)
    parts: Callable[[], tuple[Part, ...]] = field(repr=False, default=tuple)
    options: Mapping[str, Option] = field(repr=False, default_factory=dict)

    @property
    def is_here(self) -> bool:
        """Whether nothing has to be downloaded."""
        return all(part.here is not None for part in self.parts())


def names() -> tuple[str, ...]:
    """Names of the data sets, the smallest first."""
    return tuple(_ALL)


def get(name: str, where: str = "data.name") -> DataSet:
    """The entry of a name. Raises `BadInput` with the nearest one where there is none."""
    if name not in _ALL:
        raise BadInput(f"no data.name named {name[:60]!r}", where=where, advice=nearest(name, _ALL))
    return _ALL[name]


def fetch(name: str) -> DataSet:
    """Have all files of a data set here, downloading what is missing. Raises `BadInput` where that fails."""
    found = get(name)
    obtain(name, found.parts())
    return found


def load_task(name: str, key: PRNGKeyArray, train: int | None = None, test: int | None = None, **options: Any) -> Task:
    """The task of a data set, downloaded if it is not here.

    Args:
        name: one of `names`.
        key: of the split, where it is drawn at random.
        train: how many training samples (of speech: recordings); all without it.
        test: how many test samples; all of the official ones, or the usual number, without it.
        **options: those of the data set; see its entry.

    Raises:
        BadInput: no such data set, size or option; files that cannot be had or used.
    """
    found = get(name)
    check(found, train, test, options, name)
    obtain(name, found.parts())
    return found.load(key, train, test, **options)


def check(found: DataSet, train: int | None, test: int | None, options: Mapping[str, Any], where: str) -> None:
    """Raises `BadInput` where a data set has no such option, value or number of samples. Reads no file."""
    for name, value in options.items():
        option = found.options.get(name)
        if option is None:
            known = ", ".join(found.options) or "none"
            raise BadInput(
                f"{found.name} has no option '{name}'", where=f"{where}.{name}", expected=f"of its options {known}"
            )
        if option.choices and value not in option.choices:
            raise BadInput(
                f"no {name} named {str(value)[:60]!r}", where=f"{where}.{name}",
                advice=nearest(str(value), option.choices),
            )  # fmt: skip
    if found.n_train is None or found.n_test is None:
        return
    most_test, most_train = found.n_test, found.n_train
    if found.drawn:
        total = found.n_train + found.n_test
        most_test, most_train = total - 2, total - (test or found.n_test)
    for part, count, most in (("test", test, most_test), ("train", train, most_train)):
        if count is not None and not 1 <= count <= most:
            of = f" of the {total} samples" if found.drawn else f" {part} samples"
            raise BadInput(
                "leaves nothing to train on" if found.drawn and part == "test" else "more samples than there are",
                where=f"{where}.{part}", expected=f"1 to {most}{of} of {found.name}", got=str(count),
            )  # fmt: skip


def _iris(key: PRNGKeyArray, train: int | None, test: int | None) -> Task:
    from anamorph.data.iris import iris

    return iris(key, 30 if test is None else test, train)


def _digits(key: PRNGKeyArray, train: int | None, test: int | None, **options: Any) -> Task:
    from anamorph.data.digits import digits

    return digits(key, train, test, **options)


def _mnist14(key: PRNGKeyArray, train: int | None, test: int | None, **options: Any) -> Task:
    import jax

    from anamorph.data.mnist import mnist14

    seed = int(jax.random.key_data(key).ravel()[-1])
    return mnist14(train, test, seed=seed, **options)


def _mnist_files() -> tuple[Part, ...]:
    from anamorph.data.mnist import FILES

    return FILES


def _spoken_digits(key: PRNGKeyArray, train: int | None, test: int | None, **options: Any) -> Task:
    from anamorph.data.spoken import spoken_digits

    return spoken_digits(train, test, **options)


def _spoken_files() -> tuple[Part, ...]:
    from anamorph.data.spoken import recordings

    return (recordings(),)


def _tidigits(key: PRNGKeyArray, train: int | None, test: int | None, **options: Any) -> Task:
    from anamorph.data.tidigits import tidigits

    return tidigits(train, test, **options)


def _tidigits_files() -> tuple[Part, ...]:
    from anamorph.data.tidigits import Corpus

    return (Corpus(),)


def _mean(default: float) -> Option:
    return Option("mean of a sample's features, as a fraction of the full-scale current", default)


def _cifar10(key: PRNGKeyArray, train: int | None, test: int | None) -> Task:
    from anamorph.data.cifar import cifar10

    return cifar10(train, test)


def _cifar10_files() -> tuple[Part, ...]:
    from anamorph.data.cifar import Batches

    return (Batches(),)


_SPEECH = {
    "mean": _mean(0.03),
    "padding": Option(
        "what fills a recording of fewer slices: no current, or coefficients of zero before they are scaled",
        "silence", ("silence", "zeros"),
    ),
    "inverted": Option("1 minus each scaled coefficient (the authors' program)", False),
    "stretch": Option("factors of the time between slices with which each training recording is taken",
                      (0.8, 0.9, 1.0, 1.1, 1.3)),
}  # fmt: skip

_ALL = {
    entry.name: entry
    for entry in (
        DataSet(
            "iris", "three species of iris by four measures of a flower",
            "R. A. Fisher 1936, UCI; comes with scikit-learn", "CC BY 4.0",
            4, 3, 120, 30, True, _iris,
        ),
        DataSet(
            "digits", "handwritten digits of 8 x 8 pixels, each scaled to one mean",
            "E. Alpaydin, C. Kaynak 1998, UCI; comes with scikit-learn", "CC BY 4.0",
            64, 10, 1437, 360, True, _digits, options={"mean": _mean(0.04)},
        ),
        DataSet(
            "mnist14", "handwritten digits, 196 of 28 x 28 pixels, each scaled to one mean",
            "Y. LeCun, C. Cortes, C. J. C. Burges, MNIST", "no formal text; usually quoted as CC BY-SA 3.0",
            196, 10, 60_000, 10_000, False, _mnist14, _mnist_files,
            {
                "mean": _mean(0.04),
                "pixels": Option(
                    "which 196: those of the highest mean (the paper's text), those of every second pixel whose mean "
                    "is above 0.027 (the authors' program), or the 14 x 14 averages of two by two pixels (an image)",
                    "most_active", ("most_active", "checkerboard", "averaged"),
                ),
                "copies": Option("distorted copies of every training image that are added to it", 0),
            },
        ),
        DataSet(
            "cifar10", "photographs of 32 x 32 pixels in three colours, ten classes",
            "A. Krizhevsky 2009, CIFAR-10", "none stated; research use",
            3072, 10, 50_000, 10_000, False, _cifar10, _cifar10_files,
        ),
        DataSet(
            "spoken_digits", "ten spoken digits of six speakers at 8 kHz as 11 slices of 12 cepstral coefficients",
            "Z. Jackson and others, Free Spoken Digit Dataset v1.0.10", "CC BY-SA 4.0",
            132, 10, 2700, 300, False, _spoken_digits, _spoken_files, _SPEECH,
        ),
        DataSet(
            "tidigits", "ten spoken digits at 20 kHz as 11 slices of 12 cepstral coefficients; your own copy",
            "R. G. Leonard, G. Doddington, TIDIGITS, LDC93S10", "of the Linguistic Data Consortium",
            132, 10, None, None, False, _tidigits, _tidigits_files, _SPEECH,
        ),
    )
}  # fmt: skip
