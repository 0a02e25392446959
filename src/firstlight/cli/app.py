"""The commands, and what becomes of an error: one line on stderr and an exit code."""

from __future__ import annotations

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
from firstlight.cli.talking import flushed, open_streams, say

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
    """Run the command line and exit: 0 done, 1 bad data or files, 2 a wrong command line.

    A signal that stops it lets it clean up, as after Ctrl-C; the exit code is that of shells, 128 and its
    number: 130 after Ctrl-C, 143 after SIGTERM, 129 where the terminal was closed.
    """
    open_streams()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores it: so be it
            signal.signal(number, _stop)
    sys.exit(flushed(run(arguments)))


class Stopped(KeyboardInterrupt):
    """A signal asks the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _stop(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough: what cleans up is not to be stopped
    raise Stopped(number)


def run(arguments: Sequence[str] | None = None) -> int:
    """The exit code of the command line `arguments`, after it has run."""
    try:
        result = app.main(args=arguments, prog_name="firstlight", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        return _fail(error.format_message(), MISUSED, bare=True)
    except Refused as error:
        return _fail(error.message, error.code)
    except click.ClickException as error:
        return _fail(_words(error), MISUSED)
    except BrokenPipeError:
        return FAILED  # the reader of a pipe has gone: nobody listens
    except OSError as error:
        place = f"'{error.filename}': " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}.", FAILED)
    except MemoryError as error:
        return _fail(str(error) or type(error).__name__, FAILED)
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__cause__, EOFError):  # which click takes for the end of what is typed
            return _fail(f"a file ends too early: {error.__cause__}.", FAILED)
        stopped = error if isinstance(error, Stopped) else error.__cause__
        code = 128 + stopped.number if isinstance(stopped, Stopped) else INTERRUPTED
        return _fail("stopped; no output was written", code)
    return result if isinstance(result, int) else DONE


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
