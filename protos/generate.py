"""Generates `client/nutgraf/v1/` from `protos/`. Nothing else writes there.

Run by `make protos`, in a virtual environment of its own: grpcio-tools is pinned to a release whose generated code
every supported protobuf runtime imports without a warning, and that release itself needs an older protobuf than the
service runs with.

    python protos/generate.py            writes the code and its stubs
    python protos/generate.py --check    exits 1 and names the files if what is committed differs
    python protos/generate.py --image F  writes a descriptor image for `buf lint` and `buf breaking`; with --root D,
                                         of the protos in another folder, such as those of an earlier release
"""

import argparse
import filecmp
import sys
import tempfile
from pathlib import Path

import grpc_tools
from google.rpc import status_pb2
from grpc_tools import protoc

PROTOS = Path(__file__).parent
CLIENT = PROTOS.parent / "client"
PACKAGE = Path("nutgraf/v1")


def run_protoc(*arguments: str, root: Path = PROTOS) -> None:
    # grpcio-tools ships google/protobuf, googleapis-common-protos google/rpc/status.proto.
    includes = [root, Path(grpc_tools.__file__).parent / "_proto", Path(status_pb2.__file__).parents[2]]
    sources = [str(path) for path in sorted((root / PACKAGE).glob("*.proto"))]
    if protoc.main(["protoc", *(f"-I{path}" for path in includes), *arguments, *sources]) != 0:
        sys.exit("protoc failed; its message is above")


def generate(target: Path) -> list[Path]:
    """Writes modules and stubs below `target`; returns their paths relative to it."""
    run_protoc(
        f"--python_out={target}",
        f"--grpc_python_out={target}",
        f"--mypy_out={target}",
        f"--mypy_grpc_out={target}",
    )
    return sorted(path.relative_to(target) for path in (target / PACKAGE).iterdir())


def check() -> int:
    with tempfile.TemporaryDirectory() as folder:
        fresh = generate(Path(folder))
        committed = sorted(
            path.relative_to(CLIENT) for path in (CLIENT / PACKAGE).iterdir() if "_pb2" in path.name and path.is_file()
        )
        stale = set(fresh) ^ set(committed)
        stale |= {
            path
            for path in set(fresh) & set(committed)
            if not filecmp.cmp(Path(folder) / path, CLIENT / path, shallow=False)
        }
    for path in sorted(stale):
        print(f"client/{path} is not what the protos generate; run `make protos`", file=sys.stderr)
    return 1 if stale else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--image", type=Path, metavar="F")
    parser.add_argument("--root", type=Path, default=PROTOS, metavar="D")
    arguments = parser.parse_args()
    if arguments.check:
        return check()
    if arguments.image:
        descriptors = f"--descriptor_set_out={arguments.image}"
        run_protoc("--include_imports", "--include_source_info", descriptors, root=arguments.root)
        return 0
    for path in generate(CLIENT):
        print(f"client/{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
