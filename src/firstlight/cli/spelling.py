"""How an argument of Python is typed on the command line, so that advice can be followed as it stands."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

import click

from firstlight.errors import Arg

_OTHER_NAMES = {"time_system": "time_format"}  # of light curves made from columns; a file states a format


def spelling(command: click.Command) -> Callable[[Arg], str]:
    """How `command` spells an argument: as its own option, as a column role, else as a training setting.

    Examples
    --------
    >>> from firstlight.cli.app import app
    >>> spell = spelling(app.commands["classify"])
    >>> spell(Arg("flux_unit", "nJy")), spell(Arg("columns", {"mag": "NAME"}))
    ('--flux-unit nJy', '--column mag=NAME')
    >>> spell(Arg("mag_err")), spell(Arg("calibration_folds", 5))
    ('--column mag_err=NAME', '--set calibration_folds=5')
    """
    params = {name: param for param in command.params for name in _names(param)}

    def spell(arg: Arg) -> str:
        if arg.name == "columns" and isinstance(arg.value, Mapping):
            return " ".join(f"--column {role}={_text(name)}" for role, name in arg.value.items())
        param = params.get(_OTHER_NAMES.get(arg.name, arg.name))
        if param is not None:
            return _option(param, arg.value)
        if arg.name in _roles():
            return f"--column {arg.name}={_text(arg.value) or 'NAME'}"
        return arg.name if arg.value is None else f"--set {arg.name}={_text(arg.value)}"

    return spell


def _names(param: click.Parameter) -> tuple[str, ...]:
    """The names by which Python may know an option: that of its value, and that which is typed."""
    return (str(param.name), *(name.lstrip("-").replace("-", "_") for name in param.opts))


def _option(param: click.Parameter, value: object) -> str:
    if isinstance(param, click.Argument):
        return param.human_readable_name
    name = max(param.opts, key=len)
    if value is None or value is True:
        return name
    metavar = param.metavar or ""
    if isinstance(value, Mapping) and metavar.startswith("FILE"):
        return f"{name} {metavar}"  # what is a mapping in Python is written into a file
    return f"{name} {_text(value)}"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return shlex.quote(",".join(f"{key}={one}" for key, one in value.items()))
    if isinstance(value, tuple):
        return "|".join(_text(one) for one in value)
    return shlex.quote(str(value))


def _roles() -> tuple[str, ...]:
    from firstlight import readers

    return tuple(readers.column_roles())
