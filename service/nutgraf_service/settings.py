"""What an operator can set: flags of `nutgraf serve`, else `NUTGRAF_*` in the environment, else the defaults here."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from nutgraf_models.checkpoints.registry import DEFAULT_MODEL
from nutgraf_models.loading import EngineName

# A number that gRPC and the messages of the contract can hold, and a time of which they can hold the milliseconds.
_MOST = 2**31 - 1
_MOST_SECONDS = 2_000_000


class Settings(BaseSettings):
    """Times are in seconds, text in Unicode code points. The descriptions are the help of `nutgraf serve`."""

    model_config = SettingsConfigDict(env_prefix="NUTGRAF_", frozen=True, extra="ignore", allow_inf_nan=False)

    host: str = Field("127.0.0.1", description="Address to listen on, or unix:PATH for a socket.")
    port: int = Field(50051, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    model: str = Field(DEFAULT_MODEL, description="A card's id, a card file, a folder, or a hub id.")
    engine: EngineName = Field("auto", description="What runs the model: auto, openvino or torch.")
    threads: int | None = Field(
        None, ge=1, le=1024, description="CPU threads of the model; as many as CPUs may be used if not given."
    )
    check: bool = Field(
        True, description="Check the summaries written here; without it they are shown as the model wrote them."
    )
    max_text_characters: int = Field(200_000, ge=1, le=_MOST, description="Longest article taken.")
    max_title_characters: int = Field(1_000, ge=1, le=_MOST, description="Longest title taken.")
    max_summary_characters: int = Field(10_000, ge=1, le=_MOST, description="Longest summary taken for checking.")
    max_message_bytes: int = Field(4 << 20, ge=1 << 10, le=_MOST, description="Largest message taken.")
    max_queued_requests: int = Field(
        64, ge=0, le=_MOST, description="Calls that may wait, summaries and checks apart; another one is refused."
    )
    max_queued_tokens: int = Field(
        65_536,
        ge=1,
        le=_MOST,
        description="Tokens, roughly, that the articles running and waiting may have; another is refused.",
    )
    max_calls: int = Field(1000, ge=1, le=_MOST, description="Calls with articles at once; another is refused.")
    max_held_bytes: int = Field(
        32 << 20, ge=1, le=2**53, description="Bytes of articles held at once; others are refused, streams read later."
    )
    max_stream_items: int = Field(8, ge=1, le=_MOST, description="Articles of one stream worked on at once.")
    cache_bytes: int = Field(
        16 << 20,
        ge=0,
        le=2**53,
        description="Finished summaries kept, by which the same article is answered; 0 shares nothing.",
    )
    cache_seconds: float = Field(
        3600.0,
        ge=0,
        le=_MOST_SECONDS,
        description="Seconds for which they answer; 0 keeps none, and shares only what is under way.",
    )
    default_item_timeout: float = Field(
        60.0, gt=0, le=_MOST_SECONDS, description="Seconds for an item of a stream that names none."
    )
    max_item_timeout: float = Field(
        3600.0, gt=0, le=_MOST_SECONDS, description="Most seconds that an item of a stream may name."
    )
    max_step_seconds: float = Field(
        120.0,
        gt=0,
        le=_MOST_SECONDS,
        description="The engine hangs if one step takes longer; the process then ends with status 1.",
    )
    drain_grace: float = Field(
        30.0, ge=0, le=_MOST_SECONDS, description="Seconds to finish accepted calls in after SIGTERM."
    )
    max_connection_age: float = Field(
        1800.0,
        ge=0,
        le=_MOST_SECONDS,
        description="Seconds after which a connection is renewed, to spread callers; 0 for never.",
    )
    keepalive: float = Field(
        60.0, ge=1, le=_MOST_SECONDS, description="Seconds without a byte after which a peer has to show that it lives."
    )
    max_concurrent_streams: int = Field(1000, ge=1, le=_MOST, description="Calls at once on one connection.")
    tls_certificate: Path | None = Field(None, description="Certificate chain (PEM): serve by TLS.")
    tls_key: Path | None = Field(None, description="Private key (PEM) of the certificate.")
    tls_client_ca: Path | None = Field(None, description="Let in only clients whose certificate these signed (PEM).")
    token_file: Path | None = Field(None, description="Bearer tokens, one a line; a call needs one of them.")
    open_health: bool = Field(True, description="Answer health checks without a token.")
    open_reflection: bool = Field(False, description="Answer reflection without a token.")
    metrics_port: int | None = Field(None, ge=0, le=65535, description="Port for Prometheus; 0 takes a free one.")
    metrics_host: str = Field("127.0.0.1", description="Address for Prometheus.")
    otlp_endpoint: str | None = Field(None, description="Collector for OpenTelemetry traces, http://host:4317.")
    reflection: bool = Field(True, description="Serve gRPC reflection.")
    channelz: bool = Field(False, description="Serve channelz: connections and their counts, for debugging.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe log entry kept.")
    log_format: Literal["json", "text"] = Field("json", description="How log entries are written, on standard error.")
