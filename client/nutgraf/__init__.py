"""Summaries of news articles, from a nutgraf server.

    from nutgraf import Client

    with Client("localhost:50051") as client:
        result = client.summarize(article_text)
        print(result.short.text)

Names are loaded on first use. So `import nutgraf` is cheap, and code that needs only the contract (`nutgraf.v1`) does
not load the client.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nutgraf._async import AsyncClient
    from nutgraf._enums import CheckKind, FinishReason, Length, Origin, ServerState, TermKind, Verdict, WarningCode
    from nutgraf._errors import (
        DeadlineExceeded,
        InvalidArticle,
        NutgrafError,
        Overloaded,
        ProtocolMismatch,
        ServerError,
        Unauthenticated,
        Unavailable,
    )
    from nutgraf._requests import Article, Spec
    from nutgraf._results import (
        ArticleInfo,
        CheckResult,
        Limits,
        ManyResult,
        Result,
        Sentence,
        ServerInfo,
        Source,
        Summary,
        Timings,
        UnsupportedTerm,
        Warning,
    )
    from nutgraf._sync import Client

    __version__: str

_HOMES = {
    "_async": ("AsyncClient",),
    "_enums": ("CheckKind", "FinishReason", "Length", "Origin", "ServerState", "TermKind", "Verdict", "WarningCode"),
    "_errors": (
        "DeadlineExceeded",
        "InvalidArticle",
        "NutgrafError",
        "Overloaded",
        "ProtocolMismatch",
        "ServerError",
        "Unauthenticated",
        "Unavailable",
    ),
    "_requests": ("Article", "Spec"),
    "_results": (
        "ArticleInfo",
        "CheckResult",
        "Limits",
        "ManyResult",
        "Result",
        "Sentence",
        "ServerInfo",
        "Source",
        "Summary",
        "Timings",
        "UnsupportedTerm",
        "Warning",
    ),
    "_sync": ("Client",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Article",
    "ArticleInfo",
    "AsyncClient",
    "CheckKind",
    "CheckResult",
    "Client",
    "DeadlineExceeded",
    "FinishReason",
    "InvalidArticle",
    "Length",
    "Limits",
    "ManyResult",
    "NutgrafError",
    "Origin",
    "Overloaded",
    "ProtocolMismatch",
    "Result",
    "Sentence",
    "ServerError",
    "ServerInfo",
    "ServerState",
    "Source",
    "Spec",
    "Summary",
    "TermKind",
    "Timings",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedTerm",
    "Verdict",
    "Warning",
    "WarningCode",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from nutgraf._version import version

        value: Any = version()
    elif name in _HOME_OF:
        value = getattr(importlib.import_module(f"nutgraf.{_HOME_OF[name]}"), name)
    else:
        raise AttributeError(f"module 'nutgraf' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
