"""The settings: flags of `nutgraf serve`, else `NUTGRAF_*` in the environment, else the defaults here."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from nutgraf_models.checkpoints.registry import DEFAULT_MODEL
from nutgraf_models.loading import EngineName

# The largest number that gRPC and the messages of the contract can hold, and the longest time in milliseconds.
_MAX_INT = 2**31 - 1
_MAX_SECONDS = 2_000_000


class Settings(BaseSettings):
    """Times are in seconds, text lengths in Unicode code points. The descriptions are the help of `nutgraf serve`.

    The description of a setting whose default is None says what happens without it.
    """

    model_config = SettingsConfigDict(env_prefix="NUTGRAF_", frozen=True, extra="ignore", allow_inf_nan=False)

    host: str = Field("127.0.0.1", description="Address to listen on, or unix:PATH for a socket.")
    port: int = Field(50051, ge=0, le=65535, description="Port to listen on; 0 chooses a free one.")
    model: str = Field(DEFAULT_MODEL, description="Model: the id of a card, a card file, a folder, or a hub id.")
    engine: EngineName = Field("auto", description="Engine that runs the model: auto, openvino or torch.")
    threads: int | None = Field(
        None, ge=1, le=1024, description="CPU threads for the model. By default, one per available CPU."
    )
    check: bool = Field(
        True, description="Check the server's summaries; otherwise, return them as the model wrote them."
    )
    max_text_characters: int = Field(200_000, ge=1, le=_MAX_INT, description="Maximum length of an article.")
    max_title_characters: int = Field(1_000, ge=1, le=_MAX_INT, description="Maximum length of a title.")
    max_summary_characters: int = Field(10_000, ge=1, le=_MAX_INT, description="Maximum length of a summary to check.")
    max_message_bytes: int = Field(4 << 20, ge=1 << 10, le=_MAX_INT, description="Maximum size of a request message.")
    max_queued_requests: int = Field(
        64,
        ge=0,
        le=_MAX_INT,
        description="Calls that may wait, counted separately for summaries and checks; further calls fail.",
    )
    max_queued_tokens: int = Field(
        65_536,
        ge=1,
        le=_MAX_INT,
        description="Estimated tokens of all articles running and waiting; calls beyond that fail.",
    )
    max_calls: int = Field(
        1000, ge=1, le=_MAX_INT, description="Calls with articles at the same time; further calls fail."
    )
    max_held_bytes: int = Field(
        32 << 20,
        ge=1,
        le=2**53,
        description="Bytes of article text in memory; beyond that, calls fail and streams are read later.",
    )
    max_stream_items: int = Field(
        8, ge=1, le=_MAX_INT, description="Articles of one stream that are worked on at the same time."
    )
    cache_bytes: int = Field(
        16 << 20,
        ge=0,
        le=2**53,
        description="Size of the cache of finished summaries; 0 disables it and the sharing of identical calls.",
    )
    cache_seconds: float = Field(
        3600.0,
        ge=0,
        le=_MAX_SECONDS,
        description="Seconds that a summary stays in the cache; 0 shares only calls in progress.",
    )
    default_item_timeout: float = Field(
        60.0, gt=0, le=_MAX_SECONDS, description="Timeout in seconds of a stream item that sets none."
    )
    max_item_timeout: float = Field(
        3600.0, gt=0, le=_MAX_SECONDS, description="Maximum timeout in seconds that a stream item may set."
    )
    max_step_seconds: float = Field(
        120.0,
        gt=0,
        le=_MAX_SECONDS,
        description="If a step of the engine takes longer, the engine is restarted or the process exits.",
    )
    drain_grace: float = Field(
        30.0, ge=0, le=_MAX_SECONDS, description="Seconds to finish accepted calls after SIGTERM."
    )
    max_connection_age: float = Field(
        1800.0,
        ge=0,
        le=_MAX_SECONDS,
        description="Seconds after which connections are renewed, to spread callers over servers; 0 for never.",
    )
    keepalive: float = Field(
        60.0, ge=1, le=_MAX_SECONDS, description="Seconds of silence after which the server pings a client."
    )
    max_concurrent_streams: int = Field(
        1000, ge=1, le=_MAX_INT, description="Calls at the same time on one connection."
    )
    tls_certificate: Path | None = Field(
        None, description="Certificate chain (PEM) for TLS. By default, connections are plain text."
    )
    tls_key: Path | None = Field(None, description="Private key (PEM) of the certificate; required with it.")
    tls_client_ca: Path | None = Field(
        None,
        description="CA certificates (PEM) that client certificates must be signed by. By default, clients need none.",
    )
    token_file: Path | None = Field(
        None, description="File of bearer tokens, one per line. By default, calls need no token."
    )
    open_health: bool = Field(True, description="Answer health checks without a token.")
    open_reflection: bool = Field(False, description="Answer reflection without a token.")
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port for Prometheus metrics; 0 chooses a free one. By default, there are no metrics.",
    )
    metrics_host: str = Field("127.0.0.1", description="Address for Prometheus metrics.")
    otlp_endpoint: str | None = Field(
        None, description="OpenTelemetry collector (http://host:4317). By default, no traces are sent."
    )
    reflection: bool = Field(True, description="Serve gRPC reflection.")
    channelz: bool = Field(False, description="Serve channelz, which shows connections for debugging.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged: debug, info, warning or error."
    )
    log_format: Literal["json", "text"] = Field(
        "json", description="Format of log entries on standard error: json or text."
    )
