"""Packages that only some of us need: one sentence where one is missing."""

import importlib

__all__ = ["require"]


def require(module, *, by, extra):
    """Import and return `module`, or say which extra of the package brings it.

    Parameters
    ----------
    module : str
        Full name, such as "matplotlib.pyplot".
    by : str
        What needs it, for the message.
    extra : str
        The extra to install.

    Raises
    ------
    ImportError
        If the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{by} needs {package}, which is not installed. "
            f"Run: pip install 'sktextconv[{extra}]'"
        ) from error
