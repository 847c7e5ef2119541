"""Lines of the error tables: one model with one setting, over seeds."""

import base64

import numpy as np

from sktextconv.comparison._selection import rank_trial
from sktextconv.comparison._statistics import bootstrap_interval

from .._render import WALL_MARK

__all__ = ["COLUMNS", "TIME_COLUMNS", "Line", "interval"]

TIME_COLUMNS = ("Train CPU s", "Train texts/s", "Predict texts/s")
COLUMNS = (
    "Model",
    "Error %",
    "95 % interval",
    "SD",
    "Seeds",
    "Paper %",
    "Gap",
    "What was run",
    *TIME_COLUMNS,
    "Parameters",
    "Peak MiB",
)
_MIN_SEEDS = 3  # of a standard deviation
_PLUS_MINUS = "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"


class Line:
    """Row of a table: the results of one model with one setting, over seeds.

    Parameters
    ----------
    name : str
        Name in the paper.
    results : list of dict
        Results of each seed; empty if there are none.
    published : float or None
        Error in the paper, in %.
    comparable : bool
        Whether the training and test data are those of the paper.
    """

    def __init__(self, name, results, published, comparable):
        self.name = name
        self.results = results
        self.published = published
        self.comparable = comparable

    def median(self, key):
        return float(np.median([result[key] for result in self.results]))

    def seconds(self, phase):
        """Return the median seconds of a phase, and whether they are wall seconds.

        CPU seconds, if a result has them and no GPU computed.
        """
        by_cpu = [
            result[f"{phase}_cpu_seconds"]
            for result in self.results
            if f"{phase}_cpu_seconds" in result and not result["machine"]["gpu"]
        ]
        if by_cpu:
            return float(np.median(by_cpu)), False
        return self.median(f"{phase}_seconds"), True

    def _times(self):
        """Return the cells of `TIME_COLUMNS`; a mark stands at wall times."""
        train, by_wall = self.seconds("train")
        predict, predict_by_wall = self.seconds("predict")
        marks = [WALL_MARK * flag for flag in (by_wall, by_wall, predict_by_wall)]
        n_seen, n_test = self.median("n_seen"), self.median("n_test")
        figures = (train, n_seen / train, n_test / predict)
        return [
            f"{figure:,.0f}{mark}" for figure, mark in zip(figures, marks, strict=True)
        ]

    def error(self):
        return float(np.mean([result["error"] for result in self.results]))

    def interval(self):
        return interval([wrong_of(result) for result in self.results])

    def deviation(self):
        """Return the standard deviation of the error over seeds; None of too few."""
        errors = [result["error"] for result in self.results]
        return float(np.std(errors, ddof=1)) if len(errors) >= _MIN_SEEDS else None

    def cells(self):
        """Return the text of each column; "" if not run or not published."""
        cells = dict.fromkeys(COLUMNS, "") | {"Model": self.name}
        if self.published is not None:
            cells["Paper %"] = f"{self.published:.2f}"
        if not self.results:
            return [*cells.values()]
        error, deviation, (low, high) = self.error(), self.deviation(), self.interval()
        if self.comparable and self.published is not None:
            cells["Gap"] = f"{error - self.published:+.2f}"
        cells |= zip(TIME_COLUMNS, self._times(), strict=True)
        cells |= {
            "Error %": f"{error:.2f}",
            "95 % interval": f"{low:.2f}–{high:.2f}",
            "SD": "" if deviation is None else f"{deviation:.2f}",
            "Seeds": str(len(self.results)),
            "Parameters": f"{self.results[0]['n_parameters']:,}",
            "Peak MiB": f"{self.median('peak_mib'):,.0f}",
            "What was run": self.note(),
        }
        return [*cells.values()]

    def short_cell(self):
        """Return the error and its standard deviation over seeds as text."""
        deviation = self.deviation()
        spread = "" if deviation is None else f"{_PLUS_MINUS}{deviation:.2f}"
        return f"{self.error():.2f}{spread}"

    def distance(self):
        """Return how far the run is from the row with its default settings, to sort by.

        A sample of the texts is farther than all of them, other parameters are farther
        than another length or precision of training, and fewer passes are farther than
        more.
        """
        changed = self._changed()
        return self.is_of_sample(), len(changed), -self.median("n_seen"), changed

    def is_of_sample(self):
        """Return whether a sample of the training or of the test texts was taken."""
        cell = self.results[0]["cell"]
        return cell["sample"] is not None or cell.get("test_sample") is not None

    def _changed(self):
        settings = self.results[0]["cell"]["settings"]
        names = sorted(settings.keys() - {"max_epochs", "precision"})
        return [f"{name}={settings[name]}" for name in names]

    def note(self):
        """Return the selected penalty, the length of training and warnings, as text."""
        parts = set()
        for result in self.results:
            tried = result["selection"]
            best = min(tried, key=rank_trial)["params"] if tried else {}
            for name, value in best.items():
                values = [each["params"][name] for each in tried]
                edge = " (edge)" if value in (min(values), max(values)) else ""
                parts.add(f"{name.rpartition('__')[2]}={value:g}{edge}")
            if result["history"]:
                n_epochs, n_seen = len(result["history"]), result["n_seen"]
                parts.add(f"{n_epochs} epochs of {n_seen // n_epochs:,} texts")
                parts.add(result["params"]["precision"])
                if result["history"][-1]["train_loss"] > _at_chance(result):
                    parts.add("never left chance level")
            if result["warnings"]:
                parts.add("warned")
            if result["cell"]["sample"] is not None:
                parts.add(f"trained on a sample of {result['n_train']:,} texts")
            if result["cell"].get("test_sample") is not None:
                parts.add(f"tested on a sample of {result['n_test']:,} texts")
        peaks = [result.get("gpu_peak_mib") for result in self.results]
        if None not in peaks:
            parts.add(f"{max(peaks):,.0f} MiB of GPU memory")
        return ", ".join([*sorted(parts), *self._changed()])


def interval(wrongs):
    """Return the bootstrap 95 % interval of an error, in %.

    Parameters
    ----------
    wrongs : list of ndarray of bool of shape (n_samples,)
        Whether each test text is misclassified, for each seed. A resample draws the
        same texts for all seeds; the error is the mean over seeds.

    Returns
    -------
    low, high : float
    """
    return bootstrap_interval(100 * np.mean(wrongs, axis=0))


def wrong_of(result):
    packed = np.frombuffer(base64.b64decode(result["wrong"]), dtype=np.uint8)
    return np.unpackbits(packed)[: result["n_test"]].astype(bool)


def _at_chance(result):
    """Return the training loss that counts as chance level: nearly ln K."""
    return np.log(result["n_classes"]) - 0.02
