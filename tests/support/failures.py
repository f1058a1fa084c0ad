"""Details of failed calls."""

import threading

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from nutgraf_service.errors import CODES
from support.server import TIMEOUT


class Failure:
    """The error of a failed call, unpacked."""

    def __init__(self, status) -> None:
        self.code = status.code
        self.message = status.message
        self.info = self.field = self.retry_after = None
        for detail in status.details:
            for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
                if detail.Is(kind.DESCRIPTOR):
                    message = kind()
                    detail.Unpack(message)
                    if isinstance(message, error_details_pb2.ErrorInfo):
                        self.info = message
                    elif isinstance(message, error_details_pb2.BadRequest):
                        self.field = message.field_violations[0].field
                    else:
                        self.retry_after = message.retry_delay.ToTimedelta().total_seconds()
        assert self.info is not None, status
        assert self.info.domain == "nutgraf"
        assert self.code == CODES[self.info.reason]


def failure(call) -> Failure:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return Failure(rpc_status.from_call(caught.value))


def as_done(futures):
    """The futures, as they complete."""
    done = threading.Semaphore(0)
    order = []
    for future in futures:
        future.add_done_callback(lambda one: (order.append(one), done.release()))
    for index in range(len(futures)):
        assert done.acquire(timeout=TIMEOUT)
        yield order[index]
