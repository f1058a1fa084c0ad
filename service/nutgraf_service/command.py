"""`nutgraf serve`."""

import asyncio
import os
from typing import Any

import click
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from nutgraf_models.errors import ModelError
from nutgraf_service.settings import Settings


def _option(name: str, field: FieldInfo) -> click.Option:
    flag = f"--{name.replace('_', '-')}"
    if field.annotation is bool:
        flag = f"{flag}/--no-{name.replace('_', '-')}"
    variable = f"NUTGRAF_{name.upper()}"
    note = variable if field.default is None else f"{variable}; default: {field.default}"
    # Values are passed on as text, because only the settings define and validate their types.
    return click.Option(
        [flag],
        default=None,
        metavar=None if field.annotation is bool else name.rsplit("_", 1)[-1].upper(),
        help=f"{field.description}  [{note}]",
    )


def _serve(ray: bool, **flags: Any) -> None:
    """Serve summaries over gRPC until SIGTERM or Ctrl-C.

    The model must be on this machine (nutgraf models pull). Each option can also be set by the environment variable in
    brackets.
    """
    try:
        settings = Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()]
        raise click.ClickException("; ".join(problems)) from error
    # By default, torch's threads spin while they wait for each other, which is very slow if the cores have other work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # transformers has a log handler of its own, and its messages may quote an article.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "critical")
    if ray:
        _serve_on_ray(settings)
        return
    # The engine's process takes the longest to get ready, so it starts before the slow imports.
    from nutgraf_service.model import start_loading

    try:
        load = start_loading(settings)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    from nutgraf_service.lifecycle import run
    from nutgraf_service.listener import PortInUse
    from nutgraf_service.logs import configure_logs
    from nutgraf_service.security import SecurityError
    from nutgraf_service.server import EngineFailed
    from nutgraf_service.tracing import TracingUnavailable

    flush_logs = configure_logs(settings.log_level, settings.log_format)
    # Not `asyncio.run`, which waits for the thread that loads the model before it returns.
    runner = asyncio.Runner()
    try:
        runner.run(run(settings, load))
    except (ModelError, PortInUse, SecurityError, TracingUnavailable) as error:
        runner.close()
        raise click.ClickException(str(error)) from error
    except EngineFailed as error:
        flush_logs()
        click.echo(f"Error: {error}", err=True)
        # An ordinary exit would wait for the hanging thread.
        os._exit(1)
    flush_logs()
    # An ordinary exit would wait for threads in the middle of a forward pass or of loading.
    os._exit(0)


def _serve_on_ray(settings: Settings) -> None:
    from nutgraf_service.logs import configure_logs
    from nutgraf_service.ray_serve import RayUnavailable, run

    configure_logs(settings.log_level, settings.log_format)
    try:
        run(settings)
    except (ModelError, RayUnavailable) as error:
        raise click.ClickException(str(error)) from error


serve = click.Command(
    "serve",
    callback=_serve,
    params=[
        click.Option(["--ray"], is_flag=True, help="Run on Ray Serve, with as many replicas as the load requires."),
        *(_option(name, field) for name, field in Settings.model_fields.items()),
    ],
    help=_serve.__doc__,
)
