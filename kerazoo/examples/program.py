"""The command line of the examples: arguments, and errors as the `kerazoo` command reports them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_type_hints

from kerazoo.arguments import EPILOG, Parser, path
from kerazoo.reporting import exit_code, log_on_standard_error


def run(main: Callable[..., object], **arguments: str) -> int:
    """Call a function with the arguments of the command line; return the exit code.

    Args:
        main: The program. Each of its parameters is a str, a Path or a list[Path].
        arguments: What each parameter is, by its name.
    """
    module = sys.modules["__main__"]
    name = Path(str(module.__file__)).stem
    title = str(module.__doc__).partition("\n")[0]
    parser = Parser(prog=f"python -m kerazoo.examples.{name}", description=title, epilog=EPILOG)
    types = get_type_hints(main)
    for parameter, text in arguments.items():
        kind = types[parameter]
        parser.add_argument(
            parameter,
            help=text,
            type=str if kind is str else path,
            nargs="+" if kind == list[Path] else None,
        )
    parser.add_argument("--debug", action="store_true", help="print the traceback of an error")
    with log_on_standard_error():
        return exit_code(lambda: _call(main, parser, list(arguments)), "--debug" in sys.argv)


def _call(main: Callable[..., object], parser: Parser, parameters: list[str]) -> None:
    parsed, unknown = parser.parse_known_args()
    if unknown:
        parser.refuse(unknown[0])
    main(**{each: getattr(parsed, each) for each in parameters})
