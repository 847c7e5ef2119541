"""Tables of the committed speed measurements; measures nothing."""

from .._record import RESULTS
from .reasons import REASONS

__all__ = [
    "README_LINES",
    "RESULT",
    "describe",
    "goal_reached",
    "make_peak_table",
    "make_reason_table",
    "make_start_table",
    "table",
]

RESULT = RESULTS / "speed.json"
README_LINES = ("characters", "train-charcnn-bf16", "train-lstm", "ngrams", "solver")
_SPACE = "\N{NO-BREAK SPACE}"


def table(result, names=None):
    """Return the named lines, or all, as rows of cells; the first is the header."""
    rows = [("", "Ours", "Theirs", "Ratio", "Goal", "Result", "Theirs is")]
    for key in result["lines"] if names is None else names:
        line = result["lines"][key]
        unit = f", {line['unit']}" if line["unit"] else ""
        wall = ", wall time" if line.get("clock") == "wall" else ""
        theirs, ratio = line["theirs"], line["ratio"]
        rows.append(
            (
                f"{line['name']}{unit}{wall}",
                _figure(line["ours"]),
                "" if theirs is None else _figure(theirs),
                "" if ratio is None else f"{ratio:.1f}",
                _describe_goal(line),
                _describe_outcome(line),
                line["against"],
            )
        )
    return rows


def make_reason_table(result):
    """Return the lines that miss their goal and the reasons, as rows of cells."""
    rows = [("", "Result", "Reason")]
    for key, line in result["lines"].items():
        reached = goal_reached(line)
        if reached is not None and reached < 1:
            rows.append((line["name"], _describe_outcome(line), REASONS.get(key, "")))
    return rows


def goal_reached(line):
    """Return the result as a multiple of the goal; at least 1 if met, or None.

    A line has a `target` for its ratio (at least) or a `limit` for `ours` (at most).
    """
    if line["target"] is not None:
        return line["ratio"] / line["target"]
    if line.get("limit") is not None:
        return line["limit"] / line["ours"]
    return None


def _describe_goal(line):
    if line["target"] is not None:
        return f"≥{_SPACE}{line['target']:g}"
    if line.get("limit") is not None:
        return f"≤{_SPACE}{line['limit']:g}{_SPACE}{line['unit']}".rstrip()
    return ""


def _describe_outcome(line):
    """Return by how much the goal is met or missed, as a fraction of the goal."""
    reached = goal_reached(line)
    if reached is None:
        return ""
    goal, got = (
        (line["target"], line["ratio"])
        if line["target"] is not None
        else (line["limit"], line["ours"])
    )
    off = f"{100 * abs(got / goal - 1):.0f}{_SPACE}%"
    return f"met by {off}" if reached >= 1 else f"missed by {off}"


def make_peak_table(result):
    """Return the fractions of peak as rows of cells; the first is the header."""
    rows = [("", "Texts", "Precision", "Texts/s", "GFLOP/text", "Fraction of peak")]
    for row in result["shares"]["networks"]:
        flops, fraction = row["GFLOP/text"], row["share of peak"]
        rows.append(
            (
                row["network"],
                row["texts"],
                row["precision"],
                _figure(row["texts/s"]),
                "" if flops is None else f"{flops:.2f}",
                "" if fraction is None else f"{fraction:.0%}",
            )
        )
    return rows


def make_start_table(result):
    """Return time and memory of each new process as rows; the first is the header."""
    rows = [("Process", "CPU s", "Peak MiB")]
    for name, used in result["lines"]["start-network"]["notes"].items():
        if name.partition(" ")[0] != "help":
            rows.append((name, f"{used['CPU s']:.2f}", f"{used['MiB']:.0f}"))
    return rows


def describe(result):
    """Return the clock, the machine and the version of torch."""
    records = [*result["lines"].values(), result["shares"]]
    machines = {record["machine"]["cpu"] for record in records}
    versions = {record["versions"]["torch"] for record in records}
    return (
        "Seconds are CPU seconds of the process, unless a line says wall time. "
        f"{'; '.join(sorted(machines))}, one thread, torch {'; '.join(versions)}."
    )


def _figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
