"""Docstrings with sections inherited from the parent classes."""

import dataclasses
import inspect
import re

__all__ = ["inherit_sections", "merge_parents"]

_SECTIONS = ("Parameters", "Attributes")


def inherit_sections(cls, parents):
    """Insert the parameters and attributes of `parents` into the docstring of `cls`.

    They replace the lines ``{inherited_parameters}`` and ``{inherited_attributes}``,
    in the order of `merge_parents` and with the defaults of `cls`. An entry of `cls`
    itself takes the place of the inherited one.
    """
    doc = inspect.getdoc(cls)
    for section in _SECTIONS:
        inherited = merge_parents(
            [_entries(inspect.getdoc(parent), section) for parent in parents]
        )
        for field in dataclasses.fields(cls):
            if field.name in inherited and field.name in cls.__annotations__:
                inherited[field.name] = re.sub(
                    "default=.*", f"default={field.default!r}", inherited[field.name]
                )
        for name, entry in _entries(doc, section).items():
            if name in inherited:
                doc = doc.replace(f"{entry}\n", "", 1)
                inherited[name] = entry
        placeholder = f"{{inherited_{section.lower()}}}"
        doc = doc.replace(placeholder, "\n".join(inherited.values()))
    cls.__doc__ = doc


def merge_parents(mappings):
    """Return one dict of the mappings of all parents.

    Keys that not all parents have come first, as closer to the class.
    """
    shared = set.intersection(*map(set, mappings))
    return {
        key: mapping[key]
        for take_shared in (False, True)
        for mapping in mappings
        for key in mapping
        if (key in shared) == take_shared
    }


def _entries(doc, section):
    """Return the entries of a numpydoc section by name, each as it is in `doc`."""
    _, _, text = doc.partition(f"{section}\n{'-' * len(section)}\n")
    entries = re.split(r"\n(?=\S)", text.split("\n\n")[0])
    return {entry.split(" :")[0]: entry for entry in entries}
