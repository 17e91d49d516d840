"""Finds the regular expressions of a package, for tests that hold each to examples."""

import importlib
import inspect
import pkgutil
import re
from types import ModuleType


def patterns_of(package: ModuleType) -> dict[str, re.Pattern[str]]:
    """Return what the modules of a package define, by module and name: ``text.URL``."""
    found: dict[str, re.Pattern[str]] = {}
    prefix = f"{package.__name__}."
    for info in pkgutil.walk_packages(package.__path__, prefix):
        module = importlib.import_module(info.name)
        source = inspect.getsource(module)
        for name, value in vars(module).items():
            is_own = re.search(rf"^{name} = ", source, re.MULTILINE)
            if isinstance(value, re.Pattern) and is_own:
                found[f"{info.name.removeprefix(prefix)}.{name}"] = value
    return found
