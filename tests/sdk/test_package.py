"""The package stands alone, is typed, and its error tree is drawn as it is."""

import subprocess
import sys
from pathlib import Path

import zentra.sdk
from zentra.sdk import ZentraError, _errors


def test_importing_it_loads_no_django_and_none_of_our_other_packages() -> None:
    script = (
        "import sys, zentra.sdk; "
        "bad = [m for m in sys.modules if m.split('.')[0] in {'django', 'ninja', 'ledger', 'evidence', 'webhooks'}"
        " or (m.startswith('zentra.') and not m.startswith('zentra.sdk'))]; "
        "sys.exit(repr(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_it_is_marked_as_typed() -> None:
    assert (Path(zentra.sdk.__file__).parent / "py.typed").exists()


def test_everything_promised_is_there() -> None:
    assert all(hasattr(zentra.sdk, name) for name in zentra.sdk.__all__)
    assert sorted(zentra.sdk.__all__) == list(zentra.sdk.__all__)


def test_the_error_tree_in_the_docstring_is_complete_and_public() -> None:
    assert _errors.__doc__ is not None
    pending: list[type[Exception]] = [ZentraError]
    while pending:
        error = pending.pop()
        pending.extend(error.__subclasses__())
        assert f" {error.__name__} " in _errors.__doc__.replace("\n", " ") + " ", error.__name__
        assert error.__name__ in zentra.sdk.__all__
