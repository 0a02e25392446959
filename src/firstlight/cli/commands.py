"""How a command looks on the command line: its help, the groups of its options, and near misses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from firstlight.cli.spelling import spelling
from firstlight.errors import FirstlightError, UsageError, nearest

INPUT, CLASSIFIER, TRAINING, OUTPUT = "Input", "Classifier", "Training", "Output"
FAILED, MISUSED = 1, 2  # exit codes: bad data or files, a wrong command line


class Option(click.Option):
    """An option that stands in a named group of the help and shows its default."""

    def __init__(self, *args: Any, group: str = "Options", **kwargs: Any) -> None:
        kwargs.setdefault("show_default", True)
        super().__init__(*args, **kwargs)
        self.group = group


Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]


def option(*names: str, group: str, **kwargs: Any) -> Decorator[Any]:
    """A decorator that adds an option to a command, in `group` of its help."""
    return click.option(*names, cls=Option, group=group, **kwargs)


class Refused(click.ClickException):
    """An error of the library, in words of the command line, with its exit code."""

    def __init__(self, error: FirstlightError, command: click.Command) -> None:
        super().__init__(error.text(spelling(command)))
        self.code = MISUSED if isinstance(error, UsageError) else FAILED


class Command(click.Command):
    """A command whose help says what it does, shows examples that run, and then its options in groups."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        kwargs.setdefault(
            "context_settings", {"help_option_names": ["-h", "--help"], "max_content_width": 110}
        )
        super().__init__(*args, **kwargs)
        self.examples = examples

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what the library refuses is said in options of this command."""
        try:
            return super().invoke(ctx)
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
