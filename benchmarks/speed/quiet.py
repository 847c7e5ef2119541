"""Measurements by wall time, in rounds in which the machine is quiet."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from .._record import cpu_seconds, describe_run, progress, write_json
from .._render import as_text
from .timing import LazyData, head

__all__ = ["measure_rounds", "quiet_rounds", "run_program"]

_MIN_QUIET_ROUNDS = 3


def measure_rounds(measure, *, rounds):
    """Return what `measure` returns in each round, a dict, and the cores of others."""
    records = []
    for _ in range(rounds):
        wall, others = time.perf_counter(), _cpu_seconds_of_others()
        record = measure()
        wall, others = time.perf_counter() - wall, _cpu_seconds_of_others() - others
        records.append({"others": others / wall} | record)
    return records


def quiet_rounds(records, max_others):
    """Return the rounds in which others used few cores, and whether these suffice."""
    quiet = [record for record in records if record["others"] <= max_others]
    return quiet, len(quiet) >= _MIN_QUIET_ROUNDS


def _cpu_seconds_of_others():
    """Return the CPU seconds of all programs but this one and its children."""
    user, nice, system, _, _, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split()[1:9]
    )
    ticks = user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK") - cpu_seconds()


def run_program(
    name, description, *, networks, path, measure, summarize, table, threads
):
    """Run a program that measures networks and prints a table.

    Parameters
    ----------
    name : str
        Module of the program.
    description : str
        Headline of the help and of the table.
    networks : dict
        Classifier, corpus and number of texts by name.
    path : Path
        Default of the JSON file, to which each network is written.
    measure : callable
        ``measure(classifier, texts, y, rounds=)`` returns a dict with "rounds".
    summarize : callable
        ``summarize(rounds, max_others)`` returns a dict.
    table : callable
        ``table(result)`` returns rows of cells of the contents of the file.
    threads : int
        Threads of the measurement, for the record.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=description)
    add = parser.add_argument
    add("--networks", nargs="+", choices=networks, default=[*networks], metavar="NAME")
    add("--rounds", type=int, default=5)
    add("--others", type=float, default=0.1, help="cores that others may use")
    add("--short", metavar="FILE", help="CSV file of AG News, instead of the loader")
    add("--out", type=Path, default=path, help="JSON file; its other networks stay")
    add("--show", action="store_true", help="print the table of the file only")
    options = parser.parse_args()
    out, data = options.out, LazyData(options.short)
    result = json.loads(out.read_text()) if out.exists() else {"networks": {}}
    for network in [] if options.show else options.networks:
        make, corpus, n_texts = networks[network]
        texts, y = head(data[corpus], n_texts)
        measured = measure(make(), texts, y, rounds=options.rounds)
        summary = summarize(measured["rounds"], options.others)
        about = {"texts": n_texts, "max others": options.others}
        about |= measured | describe_run(threads, None)
        result["networks"][network] = summary | about
        write_json(out, result)
        progress(f"{network}: {summary}")
    note = "Blank: too few rounds in which the machine was quiet."
    sys.stdout.write(f"{description}\n{as_text(table(result))}\n{note}\n")
