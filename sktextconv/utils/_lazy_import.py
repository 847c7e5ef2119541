"""Lazy imports of the public names of a package."""

import importlib
import importlib.util
import sys

__all__ = ["lazy_imports"]


def lazy_imports(package, homes):
    """Return `__getattr__` and `__dir__` of a package, which import on first use.

    Parameters
    ----------
    package : str
        Full name of the package.
    homes : mapping of str to sequence of str
        Public names by submodule. All submodules are attributes, too.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def __getattr__(name):
        if name in home_of:
            home = importlib.import_module(f".{home_of[name]}", package)
            value = getattr(home, name)
            setattr(sys.modules[package], name, value)
            return value
        is_name = name.isidentifier() and not name.startswith("__")
        if is_name and importlib.util.find_spec(f"{package}.{name}") is not None:
            return importlib.import_module(f".{name}", package)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*vars(sys.modules[package]), *home_of})

    return __getattr__, __dir__
