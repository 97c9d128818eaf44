"""Reproduce a paper: take its measurements one after the other, keep each, put its claims beside ours.

A measurement that fails leaves its claims missed, with its message, and the others go on. What was measured is read
from the folder instead of being measured again, so a reproduction that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from anamorph.errors import AnamorphError, BadInput, Interrupted, nearest
from anamorph.papers import kept
from anamorph.papers.claims import Paper, load
from anamorph.papers.ledger import NOT_MEASURED, Row, compare
from anamorph.papers.measure import Context, Findings, Measurement, find
from anamorph.papers.reproduction import PAGE, Reproduction
from anamorph.run_folder import RUNS, RunFolder

#: Files of an output folder, beside `PAGE`. The first marks it as one, the others are written at the end.
OWNER, LEDGER = "paper.json", "ledger.json"
#: What measurements share is kept under this name, which no measurement can have.
SHARED = "_shared"
#: Told the name of each measurement as it begins, and None at the end.
Watch = Callable[[Measurement | None], None]


def reproduce(
    paper: str | Paper,
    out: str | Path | None = None,
    *,
    quick: bool = False,
    seed: int = 1,
    watch: Watch | None = None,
    tell: Callable[[str], None] | None = None,
    measurements: Mapping[str, Measurement] | None = None,
) -> Reproduction:
    """Measure the claims of a paper and write ``ledger.json`` and ``ledger.html``.

    Args:
        paper: its name, or its claims.
        out: output folder; by default ``runs/reproduce-PAPER``.
        quick: let measurements do less.
        seed: of all randomness.
        watch: told each measurement as it begins, and None at the end.
        tell: told what a measurement is doing.
        measurements: other ones than the paper's own.

    Raises:
        BadInput: no such paper, or a folder that is taken.
        Interrupted: Ctrl-C. What was measured is kept; the same call goes on from there.
    """
    chosen = load(paper) if isinstance(paper, str) else paper
    known = find(chosen.name) if measurements is None else measurements
    target = Path(out) if out is not None else RUNS / f"reproduce-{chosen.name}"
    with _open(target, chosen.name) as folder:
        context = Context(target, seed, quick, tell or (lambda text: None))
        findings, failures = _measure_all(chosen, known, folder, context, watch or (lambda measurement: None))
        done = Reproduction(chosen, _rows(chosen, findings, failures), findings, failures, target, quick, seed)
        folder.write_json(LEDGER, [row.json() for row in done.rows])
        from anamorph.papers.page import write_page

        folder.write(PAGE, lambda path: write_page(done, path))
    return done


def _measure_all(
    paper: Paper, known: Mapping[str, Measurement], folder: RunFolder, context: Context, watch: Watch
) -> tuple[dict[str, Findings], dict[str, str]]:
    wanted = [known[name] for name in paper.measurements if name in known]
    digests = {m.name: kept.digest_of(paper.name, m.name, context.quick, context.seed) for m in wanted}
    # all that is kept is read first: a damaged file is named before hours are spent
    findings = {m.name: found for m in wanted if (found := kept.load(folder, m.name, digests[m.name])) is not None}
    failures = {name: NOT_MEASURED for name in paper.measurements if name not in known}
    try:
        for measurement in wanted:
            if measurement.name in findings:
                continue
            watch(measurement)
            try:
                findings[measurement.name] = _take(paper, measurement, digests[measurement.name], folder, context)
            except Interrupted:
                raise
            except AnamorphError as error:
                failures[measurement.name] = error.message
    except (KeyboardInterrupt, Interrupted):
        raise Interrupted(
            "interrupted; what was measured is kept", where=str(folder.path),
            advice="The same command goes on from there.",
        ) from None  # fmt: skip
    watch(None)
    return findings, failures


def _take(paper: Paper, measurement: Measurement, digest: str, folder: RunFolder, context: Context) -> Findings:
    """Take one measurement in a folder of its own, and keep what it returns."""
    own = folder.path / kept.stem(measurement.name, digest)
    shared = folder.path / kept.stem(SHARED, kept.digest_of(paper.name, SHARED, context.quick, context.seed))
    for path in (own, shared):
        path.mkdir(parents=True, exist_ok=True)
    found = measurement.function(Context(own, context.seed, context.quick, context.tell, shared))
    asked = [claim.id for claim in paper.claims if claim.measure == measurement.name]
    for name in found.claims:
        if name not in asked:
            raise BadInput(f"a figure for no claim of this measurement: {name!r}", where=measurement.name,
                           advice=nearest(name, asked))  # fmt: skip
    # what goes on is what is read back, so that a resumed reproduction gives the same bytes
    return kept.save(folder, measurement.name, digest, found)


def _rows(paper: Paper, findings: Mapping[str, Findings], failures: Mapping[str, str]) -> tuple[Row, ...]:
    rows = []
    for claim in paper.claims:
        found = findings.get(claim.measure or "")
        measured = found.claims.get(claim.id) if found is not None else None
        failure = failures.get(claim.measure or "", "")
        if found is not None and measured is None:
            failure = f"The measurement '{claim.measure}' gave no figure for it."
        rows.append(compare(claim, measured, failure))
    return tuple(rows)


def _open(path: Path, paper: str) -> RunFolder:
    """The output folder, new or of the same paper."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise BadInput("a file is in the way", where=str(path), expected="a folder, or nothing") from None
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot make the output folder ({error})", where=repr(str(path))[1:-1]) from None
    folder = RunFolder(path)
    try:
        if folder.has(OWNER):
            if folder.read_json(OWNER) != {"paper": paper}:
                raise BadInput("the output folder belongs to another paper", where=str(path),
                               advice="Give another folder with --out.")  # fmt: skip
        elif any(not p.name.startswith(".partial-") for p in path.iterdir()):
            raise BadInput("the output folder exists and holds other files", where=str(path),
                           expected="a new or an empty folder", advice="Give another folder with --out.")  # fmt: skip
        else:
            folder.write_json(OWNER, {"paper": paper})
    except BaseException:
        folder.close()
        raise
    return folder
