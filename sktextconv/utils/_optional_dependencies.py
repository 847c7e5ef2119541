"""Import of optional dependencies."""

import importlib

__all__ = ["require"]


def require(module, *, by, extra):
    """Import and return an optional module, or raise an error that names its extra.

    Parameters
    ----------
    module : str
        Full name, such as "matplotlib.pyplot".
    by : str
        Name of the caller, for the error message.
    extra : str
        Extra of sktextconv that installs the module.

    Returns
    -------
    module : module

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
