"""How a command looks on the command line: its help, the groups of its options, and its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from firstlight.cli.spelling import spelling
from firstlight.errors import Arg, FirstlightError, UnknownNameError, UsageError, nearest

INPUT, CLASSIFIER, TRAINING, OUTPUT = "Input", "Classifier", "Training", "Output"
FAILED, MISUSED = 1, 2  # exit codes: bad data or files, a wrong command line
_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class Option(click.Option):
    """An option that stands in a named group of the help.

    No option has a value of its own: what is not typed is not passed on, and the function that is called
    decides. `shown` is what it decides then, for the reader of the help.
    """

    def __init__(self, *args: Any, group: str = "Options", shown: object = None, **kwargs: Any) -> None:
        if shown is not None:
            kwargs["help"] += f"  [default: {shown}]"
        super().__init__(*args, **kwargs)
        self.group, self.shown = group, shown


if TYPE_CHECKING:
    TextType = click.ParamType[str]
else:
    TextType = click.ParamType  # generic for type checkers, not in every click


class OneOf(TextType):
    """One of the names that a room knows, which are looked up when they are needed and not before."""

    def __init__(self, what: str, known: Callable[[], Sequence[str]]) -> None:
        self.name, self.what, self.known = what, what, known

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """The names, for the help."""
        return f"[{'|'.join(self.known())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, where it is one of them."""
        if value not in self.known():
            where = max(param.opts, key=len) if param is not None else ""
            error = UnknownNameError(self.what, value, self.known())
            raise UsageError(error.what, where=where, hint=error.hint)
        return str(value)


Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]


def option(*names: str, group: str, **kwargs: Any) -> Decorator[Any]:
    """A decorator that adds an option to a command, in `group` of its help."""
    return click.option(*names, cls=Option, group=group, **kwargs)


class Refused(click.ClickException):
    """An error of the library, in words of the command line, with its exit code."""

    def __init__(self, error: FirstlightError, command: click.Command) -> None:
        super().__init__(error.text(spelling(command)))
        place = error.where[0] if isinstance(error.where, tuple) and error.where else error.where
        typed = isinstance(error, UnknownNameError) and isinstance(place, Arg)
        self.code = MISUSED if typed or isinstance(error, UsageError) else FAILED


class Command(click.Command):
    """A command whose help says what it does, shows examples that run, and then its options in groups.

    Attributes
    ----------
    examples : sequence of str
        As they are typed.
    calls : sequence of str
        The functions of Python that it passes its options to, under the same names (``"learn.fine_tune"``).
    """

    def __init__(
        self, *args: Any, examples: Sequence[str] = (), calls: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **{"context_settings": _HELP, "no_args_is_help": True, **kwargs})
        self.examples, self.calls = examples, calls

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse what was typed; what an option cannot be is refused in its words."""
        with self._in_its_words():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command with the options that were typed, and no others."""
        ctx.params = {name: value for name, value in ctx.params.items() if _was_typed(value)}
        with self._in_its_words():
            return super().invoke(ctx)

    @contextmanager
    def _in_its_words(self) -> Iterator[None]:
        try:
            yield
        except FirstlightError as error:
            raise Refused(error, self) from error

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, and its examples as they are typed."""
        super().format_help_text(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"  {line}\n")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, one section a group, in the order of their definition."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                groups.setdefault(getattr(param, "group", "Options"), []).append(record)
        for name, records in groups.items():
            with formatter.section(name):
                formatter.write_dl(records)


def _was_typed(value: object) -> bool:
    return not (value is None or value is False or value == ())


class Commands(click.Group):
    """All commands, in the order of their definition; a name that is none of them gets the nearest."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` begin with."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            known = self.list_commands(ctx)
            near = nearest(args[0], known)
            hint = f"Did you mean '{near}'?" if near else f"Known: {', '.join(known)}."
            raise click.UsageError(f"unknown command '{args[0]}'. {hint}", ctx)
        return super().resolve_command(ctx, args)
