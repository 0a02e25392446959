"""The commands, and what becomes of an error: one line on stderr and an exit code."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Sequence

import click

import firstlight
from firstlight.cli import (
    classifying,
    converting,
    evaluating,
    learning,
    plotting,
    simulating,
    studying,
    suggesting,
)
from firstlight.cli.commands import FAILED, MISUSED, Commands, Refused
from firstlight.cli.talking import say

DONE, INTERRUPTED = 0, 130


@click.group(
    cls=Commands,
    epilog="Start here: firstlight classify sample:ztf",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(firstlight.__version__, prog_name="firstlight", message="%(prog)s %(version)s")
def app() -> None:
    """Class probabilities for astronomical transients at every observation, from the first detection on."""


for command in (
    classifying.classify,
    classifying.classifiers,
    learning.fine_tune,
    learning.pretrain,
    evaluating.evaluate,
    suggesting.suggest,
    converting.convert,
    plotting.plot,
    simulating.simulate,
    studying.study,
):
    app.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 bad data or files, 2 a wrong command line, 130 stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped job cleans up as after Ctrl-C
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit code of the command line `arguments`, after it has run."""
    try:
        result = app.main(args=arguments, prog_name="firstlight", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        return _fail(error.format_message(), MISUSED, bare=True)
    except Refused as error:
        return _fail(as_typed(error.message), error.code)
    except click.ClickException as error:
        return _fail(_words(error), MISUSED)
    except BrokenPipeError:
        return FAILED  # the reader of a pipe has gone: nobody listens
    except OSError as error:
        place = f"'{error.filename}': " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}.", FAILED)
    except MemoryError as error:
        return _fail(str(error) or type(error).__name__, FAILED)
    except (click.Abort, KeyboardInterrupt):
        return _fail("stopped; no output was written", INTERRUPTED)
    return result if isinstance(result, int) else DONE


# How an argument of Python is spelt on the command line, so that advice can be typed.
_IN_PYTHON = (
    (re.compile(r"--[\w-]+ \S+ \(columns=\{'?(\w+)'?: '?([^'}]*)'?\}\)"), r"--column \1=\2"),
    (re.compile(r"columns=\{'?(\w+)'?: None\}"), r"--column \1="),
    (re.compile(r"columns=\{'?(\w+)'?: '?([^'}]*)'?\}"), r"--column \1=\2"),
    (re.compile(r"(--[\w-]+ \S+) \(\w+=(?:'[^']*'|\{[^}]*\})\)"), r"\1"),
    (re.compile(r"\w+='[^']*' \((--[\w-]+ [^)]*)\)"), r"\1"),
    (re.compile(r"\(--(mag|time|flux)\)"), r"(--column \1=NAME)"),
    (re.compile(r"; in Python .*?(?=\. |\.?$)"), ""),
    (re.compile(r"^(classes|priors): "), r"--\1: "),
    (re.compile(r"\bobject_id out \(--object-id\)"), "--object-id out"),
)
_ARGUMENT = re.compile(
    r"\b(survey|flux_unit|zero_point|time_format|unknown_passbands|label|priors|format)="
    r"(?:'([^']*)'|([\w.]+))"
)
_NAMED = re.compile(r"'(flux_unit|zero_point|time_format|object_id|dereddened)' has no meaning")


def as_typed(message: str) -> str:
    """A message of the library, its advice in words of the command line.

    Examples
    --------
    >>> as_typed("No unit. Say flux_unit='nJy', or zero_point=25.0 (AB).")
    'No unit. Say --flux-unit nJy, or --zero-point 25.0 (AB).'
    """
    for pattern, typed in _IN_PYTHON:
        message = pattern.sub(typed, message)
    message = _NAMED.sub(lambda m: f"--{m[1].replace('_', '-')} has no meaning", message)
    return _ARGUMENT.sub(lambda m: f"--{m[1].replace('_', '-')} {m[2] or m[3]}", message)


def _fail(message: str, code: int, *, bare: bool = False) -> int:
    say(message if bare else f"firstlight: {message}")
    return code


def _words(error: click.ClickException) -> str:
    """Click's message on one line, with the nearest option and the command whose help says more."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "firstlight"
    message = " ".join(error.format_message().split())
    if isinstance(error, click.NoSuchOption):
        near = sorted(error.possibilities or ())
        message = f"unknown option '{error.option_name}'."
        message += f" Did you mean {' or '.join(repr(name) for name in near[:2])}?" if near else ""
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} Help: {path} --help"
