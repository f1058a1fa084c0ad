"""The life of the server process, from start to signal."""

import asyncio
import signal
from collections.abc import Callable

import structlog

from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_service.scheduler import Crashed
from nutgraf_service.server import Server
from nutgraf_service.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger("nutgraf")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def run(settings: Settings, load: Callable[[], Summarizer]) -> None:
    """Serves until SIGTERM or SIGINT, then drains. A second signal ends the process immediately.

    `load`: completes the loading of the model, in a thread.

    Raises:
        ModelError, PortInUse, SecurityError: the server cannot start.
        EngineFailed: the process must be restarted.
    """
    server = Server(settings, load)
    await server.bind()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal(received: int) -> None:
        # The next signal has its default effect: it ends the process.
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stop.set()
        log.info("draining", signal=signal.Signals(received).name, grace_seconds=settings.drain_grace)

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    stopping = asyncio.create_task(stop.wait())
    loading = asyncio.create_task(server.load())
    watching = asyncio.create_task(server.watch())
    await asyncio.wait((stopping, loading, watching), return_when=asyncio.FIRST_COMPLETED)
    try:
        if loading.done():
            # If the engine fails on the warm-up summary, `watching` has the better message.
            if isinstance(loading.exception(), Crashed):
                await watching
            loading.result()
        await asyncio.wait((stopping, watching), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
    finally:
        watching.cancel()
        await server.drain()
        stopping.cancel()
