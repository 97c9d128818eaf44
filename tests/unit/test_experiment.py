"""Experiment files: what is accepted, what is refused, and how it is said."""

from __future__ import annotations

import pytest

from anamorph import experiment, toml_file
from anamorph.errors import BadInput

IRIS = experiment.load("iris")


def test_units_become_si() -> None:
    assert IRIS.data.input_max == 325e-9
    assert IRIS.bench.currents[0] == 20e-9
    assert IRIS.bench.read_noise == 0.005
    assert IRIS.verify.accuracy_min == 0.9
    assert IRIS.transient.presentation == 15e-6


def test_resolved_text_reads_back_as_the_same() -> None:
    again = experiment.from_tables(toml_file.parse(IRIS.text().encode(), "copy"), "copy")
    assert again == IRIS
    assert again.digest == IRIS.digest
    assert 'input_max = "325 nA"' in IRIS.text()


@pytest.mark.parametrize("title", ['quote " and \\ backslash', "# not a comment", "µ and 中文", "[chip]"])
def test_any_printable_title_survives_the_copy(title: str) -> None:
    changed = IRIS.model_copy(update={"title": title})
    assert experiment.from_tables(toml_file.parse(changed.text().encode(), ""), "").title == title


def test_values_are_replaced_by_dotted_key() -> None:
    replaced = experiment.parse_replacements(
        ["chip.dies=7", "data.input_max = 100 nA", "title=a = b", "bench.currents=['1 nA', '2 nA']"]
    )
    found = experiment.load("iris", replaced)
    assert (found.chip.dies, found.data.input_max, found.title) == (7, 100e-9, "a = b")
    assert found.bench.currents == (1e-9, 2e-9)


#: Key, value as on the command line, and what the message must hold: the key path, and the cure or the limit.
REFUSED = [
    ("chip.diez", "3", ["iris: chip.diez", "unknown key 'diez'", "Did you mean 'dies'?"]),
    ("chipp.dies", "3", ["unknown key 'chipp'", "Did you mean 'chip'?"]),
    ("data.input_max", "325", ["iris: data.input_max", "without its unit", "quantity in A"]),
    ("data.input_max", "325 V", ["wrong unit", "quantity in A", "'325 V'"]),
    ("data.input_max", "nan A", ["not a finite number"]),
    ("data.input_max", "3 A", ["out of range", "1 pA to 10 uA", "'3 A'"]),
    ("bench.currents", "['20 nA', '-1 nA']", ["bench.currents[1]", "out of range"]),
    ("bench.currents", "[]", ["at least 1 items"]),
    ("bench.repeats", "0", ["bench.repeats", "1 or more", "got 0"]),
    ("chip.bits", "2.5", ["chip.bits", "a whole number", "2.5"]),
    ("chip.bits", "99", ["7 or less", "99"]),
    ("chip", "3", ["a table of keys"]),
    ("chip.layers", "[7]", ["chip.layers", "at least 2 items"]),
    ("network.layers", "[4, 7]", ["number of layers", "[7, 7, 7]"]),
    ("network.layers", "[5, 7, 3]", ["network.layers[0]", "iris has 4 features", "got 5"]),
    ("network.layers", "[4, 7, 2]", ["network.layers[2]", "iris has 3 classes", "got 2"]),
    ("network.layers", "[4, 8, 3]", ["network.layers[1]", "at most 7", "got 8"]),
    ("data.test", "149", ["data.test", "1 to 148"]),
    ("data.name", "irys", ["no data.name named 'irys'", "Did you mean 'iris'?"]),
    ("substrate", "ideol", ["Did you mean 'ideal'?"]),
    ("training.target", "nan", ["training.target"]),
    ("training.learning_rate", "true", ["training.learning_rate"]),
    ("verify.accuracy_min", "120 %", ["out of range"]),
    ("seed", "-1", ["seed", "0 or more"]),
    ("name", "../../etc", ["not a usable name"]),
    ("name", "a b", ["not a usable name"]),
    ("title", '"a\\n.control\\nshell date"', ["not a title", "one line"]),
]


@pytest.mark.parametrize(("key", "value", "parts"), REFUSED)
def test_bad_values_are_refused_with_key_and_cure(key: str, value: str, parts: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        experiment.load("iris", {key: value})
    message = str(caught.value)
    for part in parts:
        assert part in message
    assert "\n" not in message


def test_a_missing_key_is_named(tmp_path) -> None:
    path = tmp_path / "short.toml"
    path.write_text(IRIS.text().replace("[network]\nlayers = [4, 7, 3]", ""))
    with pytest.raises(BadInput, match="short.toml: network: missing"):
        experiment.load(path)


def test_a_misspelt_required_key_is_reported_as_misspelt(tmp_path) -> None:
    path = tmp_path / "typo.toml"
    path.write_text(IRIS.text().replace("[network]", "[netwrok]"))
    with pytest.raises(BadInput, match="unknown key 'netwrok'. Did you mean 'network'"):
        experiment.load(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name = ", "not a TOML file"),
        (IRIS.text().encode()[:-8], "not a TOML file"),
        (b"name = '\xff'", "not UTF-8"),
        (b"[" * 5000, "not a TOML file"),
        (b"#" * (toml_file.MAX_BYTES + 1), "too large"),
    ],
)
def test_unreadable_files_are_refused(tmp_path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=said):
        experiment.load(path)


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(BadInput, match="Did you mean 'iris'"):
        experiment.load("irs")
    with pytest.raises(BadInput, match="no such experiment"):
        experiment.load("nowhere.toml")


@pytest.mark.parametrize("text", ["dies=3", "chip.layers.x=1", "=3", ".=3", "chip..dies=3"])
def test_replacements_without_a_key_of_the_experiment_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        experiment.load("iris", experiment.parse_replacements([text]))


def test_a_replacement_needs_an_equals_sign() -> None:
    with pytest.raises(BadInput, match="key=value"):
        experiment.parse_replacements(["chip.dies"])


def test_a_card_beside_the_experiment_is_found_from_anywhere(tmp_path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(IRIS.text().replace('technology = "cmos180"', 'technology = "card.toml"'))
    assert experiment.load(path).technology == str(tmp_path / "card.toml")


def test_a_worse_process_is_one_key():
    from anamorph.stages.setup import Setup

    usual, worse = (Setup.of(experiment.load("iris", given)) for given in ({}, {"chip.mismatch": "3"}))
    assert worse.technology.value("nfet", "a_vt") == pytest.approx(3 * usual.technology.value("nfet", "a_vt"))
    with pytest.raises(BadInput, match="chip.mismatch"):
        experiment.load("iris", {"chip.mismatch": "0"})
