"""`nutgraf serve`."""

import asyncio
import os
from typing import Any

import click
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from nutgraf_models.errors import ModelError
from nutgraf_service.logs import configure_logs
from nutgraf_service.settings import Settings


def _option(name: str, field: FieldInfo) -> click.Option:
    flag = f"--{name.replace('_', '-')}"
    if field.annotation is bool:
        flag = f"{flag}/--no-{name.replace('_', '-')}"
    # Values go to the settings as text: what they may be is said there, once.
    return click.Option(
        [flag],
        default=None,
        metavar=None if field.annotation is bool else name.rsplit("_", 1)[-1].upper(),
        help=f"{field.description}  [NUTGRAF_{name.upper()}; default: {field.default}]",
    )


def _serve(ray: bool, **flags: Any) -> None:
    """Serve summaries over gRPC until SIGTERM or Ctrl-C.

    The model must be on this machine (nutgraf models pull). Each option can be set in the environment, too.
    """
    try:
        settings = Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise click.ClickException("; ".join(problems)) from error
    # torch's threads spin while they wait for one another, which is ruin where the cores have other work as well.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Its log has a handler of its own, past ours; what it says may quote an article.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "critical")
    flush_logs = configure_logs(settings.log_level, settings.log_format)
    if ray:
        _serve_on_ray(settings)
        return
    from nutgraf_service.security import SecurityError
    from nutgraf_service.server import EngineFailed, PortInUse, run
    from nutgraf_service.tracing import TracingUnavailable

    try:
        asyncio.run(run(settings))
    except (ModelError, PortInUse, SecurityError, TracingUnavailable) as error:
        raise click.ClickException(str(error)) from error
    except EngineFailed as error:
        flush_logs()
        click.echo(f"Error: {error}", err=True)
        # The thread that hangs would hold up an ordinary end.
        os._exit(1)
    flush_logs()
    # A thread in the middle of a forward pass, or of loading, must not hold up the end of the process.
    os._exit(0)


def _serve_on_ray(settings: Settings) -> None:
    from nutgraf_service.ray_serve import RayUnavailable, run

    try:
        run(settings)
    except (ModelError, RayUnavailable) as error:
        raise click.ClickException(str(error)) from error


serve = click.Command(
    "serve",
    callback=_serve,
    params=[
        click.Option(["--ray"], is_flag=True, help="Let Ray Serve host it, in as many replicas as the load needs."),
        *(_option(name, field) for name, field in Settings.model_fields.items()),
    ],
    help=_serve.__doc__,
)
