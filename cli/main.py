"""The `askedbefore` command."""

import logging
import sys
from typing import Annotated

import structlog
import typer
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from cli import adapt, keeping, models, retry, status
from cli.archives import archives, importing, mine, syncing
from cli.examining import doctor
from cli.exporting import results
from cli.running import processes, service_command, up
from cli.tenants import authors, forums, keys, people
from cli.training import trained
from cli.version import place, version
from db.engine import is_worth_another_try
from db.errors import ServiceError
from worker.archives.loading.ends import reason_of

app = typer.Typer(
    name="askedbefore",
    help="Find the questions of a forum that have been asked before. `askedbefore COMMAND --help`"
    " describes each command, with an example.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
up.add_to(app)
processes.add_to(app)
retry.add_to(app)
keeping.add_to(app)
status.add_to(app)
doctor.add_to(app)
adapt.add_to(app)
importing.add_to(app)
mine.add_to(app)
trained.add_to(app)
app.add_typer(archives.app, name="archives")
app.add_typer(syncing.app, name="sync")
app.add_typer(forums.app, name="forums")
app.add_typer(authors.app, name="authors")
app.add_typer(keys.app, name="keys")
app.add_typer(models.app, name="models")
app.add_typer(people.people, name="people")
results.add_to(people.export)
app.add_typer(people.export, name="export")
app.add_typer(service_command.app, name="service")

_errors = Console(stderr=True)
_TRIES = 3


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"askedbefore {version()} from {place()}")
        raise typer.Exit


@app.callback()
def _options(
    version_: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_tell_version,
            is_eager=True,
            help="Print the version, and the folder and the Python from which it runs.",
        ),
    ] = False,
) -> None:
    """Read the options of the program itself."""


def main() -> None:
    """Run the command, and print an error that a user can correct as one sentence."""
    _log_to_stderr()
    try:
        _run()
    except ServiceError as error:
        _fail(str(error))
    except ValidationError as error:
        _fail("the settings are incomplete or unsafe:\n" + _settings_errors(error))
    except (MemoryError, RecursionError) as error:
        _fail(reason_of(error))
    except OperationalError as error:
        _fail(f"the database does not answer: {str(error.orig).strip()}")
    except DataError as error:
        _fail(f"the database cannot store a value: {str(error.orig).strip()}")
    except OSError as error:
        about = f"{error.filename}: " if error.filename else ""
        _fail(f"{about}{error.strerror or error}")
    except UnicodeEncodeError as error:
        if all(map(_is_text, sys.argv)):
            raise
        _fail(f"a word of the command is not in {error.encoding.upper()}: {error.object!a}")


def _is_text(word: str) -> bool:
    """Return whether a word of the command has only bytes that the system's encoding knows."""
    return not any("\udc80" <= letter <= "\udcff" for letter in word)


def _log_to_stderr() -> None:
    """Send logs to standard error; workers set up their own logs."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _run() -> None:
    """Run the command; run it again if another transaction stopped its own, three times in all."""
    for _ in range(_TRIES - 1):
        try:
            app()
        except (DBAPIError, ServiceError) as error:
            if not is_worth_another_try(error):
                raise
    app()


def _settings_errors(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in item["loc"])
        lines.append(f"  {'ASKEDBEFORE_' + name.upper() if name else ''} {item['msg']}")
    return "\n".join(lines)


def _fail(message: str) -> None:
    _errors.print(
        f"askedbefore: {message}", style="red", markup=False, highlight=False, soft_wrap=True
    )
    sys.exit(1)


if __name__ == "__main__":
    main()
