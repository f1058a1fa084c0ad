"""The names and the cost of `import nutgraf`."""

from __future__ import annotations

import subprocess
import sys

import pytest

import nutgraf


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_every_exported_name_exists_and_is_documented() -> None:
    assert nutgraf.__all__ == sorted(nutgraf.__all__)
    for name in nutgraf.__all__:
        member = getattr(nutgraf, name)
        assert name == "__version__" or member.__doc__, name
        assert name in dir(nutgraf)


def test_every_public_name_of_the_modules_is_exported() -> None:
    from nutgraf import _async, _enums, _errors, _requests, _results, _sync

    public = {name for module in (_async, _enums, _errors, _requests, _results, _sync) for name in module.__all__}
    assert public - {"Wanted"} == set(nutgraf.__all__) - {"__version__"}


def test_an_unknown_name_raises() -> None:
    with pytest.raises(AttributeError, match="Klient"):
        nutgraf.Klient  # noqa: B018


def test_importing_loads_no_heavy_module() -> None:
    heavy = ("torch", "transformers", "numpy", "nutgraf_models", "nutgraf_service", "asyncio", "grpc")
    loaded = run(f"import nutgraf, sys; print([name for name in {heavy} if name in sys.modules])")
    assert loaded.strip() == "[]"


def test_the_client_and_the_command_load_no_service() -> None:
    heavy = ("torch", "transformers", "numpy", "nutgraf_models", "nutgraf_service")
    code = (
        "import sys; from nutgraf import *; import nutgraf.testing, nutgraf._cli.main as main\n"
        "from click.testing import CliRunner\n"
        "result = CliRunner().invoke(main.cli, ['--help'])\n"
        f"print(result.exit_code, [name for name in {heavy} if name in sys.modules])"
    )
    assert run(code).strip() == "0 []"


def test_the_version() -> None:
    assert nutgraf.__version__
    assert run("import nutgraf; print(nutgraf.__version__)").strip() == nutgraf.__version__
