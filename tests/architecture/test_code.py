"""Rules of the code that no linter of ours knows."""

from pathlib import Path

from tests.architecture.tree import functions, modules, read
from tests.optional import present

MODULE_LINES = 400
FUNCTION_LINES = 60
CODE = ("chatd", "chatdebug")
TURNS = Path("chatd/turns/lifecycle.py")
"""The writes about turns stand with what else there is about turns."""


def test_no_module_is_longer_than_400_lines():
    lengths = {path: len(read(path).splitlines()) for path in modules(*CODE)}
    assert lengths
    assert {p: n for p, n in lengths.items() if n > MODULE_LINES} == {}


def test_no_function_is_longer_than_60_lines():
    lengths = {
        f"{path}:{function.lineno} {function.name}": present(function.end_lineno)
        - function.lineno
        + 1
        for path in modules(*CODE, "tests", "manage.py")
        for function in functions(path)
    }
    assert lengths
    assert {f: n for f, n in lengths.items() if n > FUNCTION_LINES} == {}


def test_the_recorder_logs_by_what_never_raises():
    """A log of the host's may raise, and is asked where nothing of the recorder may."""
    logging = [
        str(path)
        for path in modules("chatdebug")
        if path != Path("chatdebug/logs.py") and "getLogger" in read(path)
    ]
    assert logging == []


def test_services_take_keyword_arguments_only():
    positional = [
        f"{path}:{function.lineno} {function.name}"
        for path in modules(*CODE)
        if "services" in path.parts or path == TURNS
        for function in functions(path)
        if function.col_offset == 0 and not function.name.startswith("_")
        if function.args.args or function.args.posonlyargs
    ]
    assert positional == []


def test_models_have_no_logic_in_save_or_delete():
    overriding = [
        f"{path}:{function.lineno} {function.name}"
        for path in modules(*CODE)
        if "models" in path.parts or path.name == "models.py"
        for function in functions(path)
        if function.name in {"save", "asave", "delete", "adelete"}
    ]
    assert overriding == []
