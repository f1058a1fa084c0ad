"""Memory that loading has used is given back."""

import mmap
import re
from pathlib import Path

import pytest

from nutgraf_models.article import Article
from nutgraf_models.checkpoints.conversion import save_openvino_model
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines.openvino_engine import OpenVinoEngine
from nutgraf_models.pipeline.summarizer import Summarizer
from nutgraf_models.runtime.memory import give_back_freed, give_back_pages
from support.articles import ARTICLE
from support.tiny_llama import pulled_smollm, write_card

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps").exists(), reason="this system does not show what is mapped as a file"
)


def resident(file: Path) -> int:
    """Kilobytes of a mapped file in this process's memory."""
    mappings = Path("/proc/self/smaps").read_text(encoding="utf-8")
    found = re.findall(rf"{re.escape(str(file))}\n(?:.*\n)*?Rss: +(\d+) kB", mappings)
    assert found, "not mapped"
    return sum(map(int, found))


def test_pages_of_a_file_that_is_read_leave_memory_and_stay_valid(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    text = b"abcdefgh" * (1 << 17)
    file.write_bytes(text)
    (tmp_path / "link").symlink_to(file)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert mapped[:] == text
        assert resident(file) >= 1024
        give_back_pages(tmp_path / "link")
        assert resident(file) == 0
        assert mapped[:] == text


def test_pages_that_were_written_to_stay(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(bytes(1 << 16))
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
        mapped[:4] = b"mine"
        give_back_pages(file)
        assert mapped[:4] == b"mine"


def test_freed_memory_can_be_given_back_at_any_time() -> None:
    give_back_freed()


def test_an_engine_keeps_its_weights_in_memory_once_and_writes_the_same_afterwards(tmp_path: Path) -> None:
    folder = pulled_smollm(tmp_path / "smollm")
    save_openvino_model(folder / "smollm.F16.gguf")
    card = find_card(str(write_card(folder, tmp_path / "small.toml")))
    engine = OpenVinoEngine(card, folder)
    file = folder / "openvino_model.bin"
    before = resident(file)
    summarizer = Summarizer(card, engine, check=False)
    texts = []
    for _ in range(2):
        texts.append([summary.text for summary in summarizer.summarize(Article(ARTICLE)).summaries])
        if len(texts) == 1:
            assert resident(file) < before / 2
    assert texts[0] == texts[1]
