"""Articles over the model's window are read completely, in chunks, and the summary is checked against the whole."""

import math
import random
from collections.abc import Sequence

import pytest

from nutgraf_models.article import Article
from nutgraf_models.engines.base import Candidate, Completion, GenerationRequest
from nutgraf_models.engines.lead import LeadEngine
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.pipeline.driver import run
from nutgraf_models.pipeline.plan import CHUNK_TOKENS, make_chunks
from nutgraf_models.pipeline.postprocess import distinct
from nutgraf_models.results import FinishReason
from nutgraf_models.text.sentences import split
from support.articles import ARTICLE
from support.growth import assert_linear
from support.long_articles import FACT, LEAD, long_article, planted
from support.server import summarizer_with

LONG = Spec(Length.LONG)


class Window(LeadEngine):
    """The lead engine with a window, at four characters per token. Records its requests."""

    parallel_requests = 4

    def __init__(self, max_input_tokens: int) -> None:
        super().__init__()
        self.max_input_tokens = max_input_tokens
        self.asked: list[GenerationRequest] = []

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [math.ceil(len(text) / 4) for text in texts]

    def submit(self, request):
        assert request.article.strip()
        assert self.count_tokens([request.article])[0] <= self.max_input_tokens
        self.asked.append(request)
        return super().submit(request)

    def step(self) -> list[Completion]:
        requests = dict(self._waiting)
        return [
            Completion(
                one.handle, tuple((self.write(requests[one.handle], number),) for number in range(len(one.rows)))
            )
            for one in super().step()
        ]

    def write(self, request: GenerationRequest, row: int) -> Candidate:
        text = self.say(request.article)
        return Candidate(text, len(text.split()), FinishReason.STOP)

    def say(self, article: str) -> str:
        return " ".join(one.text for one in split(article)[:3])


class Attentive(Window):
    """Writes the first sentence of its input, and the fact if the input has it."""

    def say(self, article: str) -> str:
        return " ".join({split(article)[0].text: None, **({FACT: None} if FACT in article else {})})


def random_text(rng: random.Random) -> str:
    """Paragraphs with sentences of all lengths, some without a stop, and words longer than any window."""

    def word() -> str:
        letters = rng.choice(("abcdefgh", "абвгд", "漢字語文", "😀é\u0301"))
        return "".join(rng.choice(letters) for _ in range(int(rng.paretovariate(0.9)) % 4000 + 1))

    def sentence() -> str:
        return " ".join(word() for _ in range(int(rng.paretovariate(0.8)) % 800 + 1)) + rng.choice((".", "!", "", "。"))

    return "\n\n".join(" ".join(sentence() for _ in range(rng.randint(1, 6))) for _ in range(rng.randint(1, 40)))


@pytest.mark.parametrize("window", [16, 100, 1000, 4000])
@pytest.mark.parametrize("seed", range(25))
def test_chunks_cover_the_text_and_fit_the_window(seed, window):
    text = random_text(random.Random(seed))
    engine = Window(window)
    chunks = make_chunks(text, split(text), engine)
    assert "".join("".join(chunks).split()) == "".join(text.split())
    assert max(engine.count_tokens(chunks)) <= window
    assert len(chunks) == 1 or engine.count_tokens([text])[0] > window


@pytest.mark.parametrize("words", [900, 1500, 2500, 9000])
@pytest.mark.parametrize("window", [400, 1000, 1200])
def test_chunks_are_balanced_and_end_at_sentences(words, window):
    text = long_article(words)
    engine = Window(window)
    chunks = make_chunks(text, split(text), engine)
    assert [one.text for chunk in chunks for one in split(chunk)] == [one.text for one in split(text)]
    counts = engine.count_tokens(chunks)
    longest = max(engine.count_tokens([one.text for one in split(text)]))
    assert max(counts) - min(counts) <= 2 * longest
    least = math.ceil(sum(counts) / min(CHUNK_TOKENS, window // 2))
    assert least <= len(chunks) <= least + 1


def test_long_sentence_is_cut_between_words():
    text = "One is short. " + "word " * 3000 + "end. Another sentence is here."
    chunks = make_chunks(text, split(text), Window(200))
    assert " ".join(chunks).split() == text.split()


@pytest.mark.parametrize(
    "make",
    [
        lambda k: "a" * (200_000 // k),
        lambda k: "a " * (100_000 // k),
        lambda k: "a. " * (66_000 // k),
        lambda k: "😀" * (50_000 // k),
        lambda k: "Ja! " * (50_000 // k),
    ],
)
def test_chunking_time_is_linear_for_hostile_text(make):
    def summarize(text: str) -> None:
        summary = summarizer_with(Window(1000)).summarize(Article(text))
        assert all(one.text for one in summary.summaries)

    assert_linear(summarize, make)


@pytest.mark.parametrize("tenth", range(10))
def test_fact_at_any_position_is_summarised_with_its_evidence(tenth):
    article = planted(4000, tenth / 9)
    engine = Attentive(1000)
    summary = summarizer_with(engine).summarize(Article(article.text), (LONG,))
    (long,) = summary.summaries
    assert FACT in long.text
    spans = [passage.span for sentence in long.sentences for passage in sentence.evidence]
    assert (article.start, article.end) in [(span.start, span.end) for span in spans]
    assert article.text[article.start : article.end] == FACT
    assert long.unsupported_terms == ()
    assert summary.warnings == ()


def test_counts_cover_the_whole_article_and_its_chunks():
    text = long_article(4000)
    engine = Window(1000)
    summary = summarizer_with(engine).summarize(Article(text), (LONG,))
    assert summary.input_tokens == engine.count_tokens([text])[0]
    assert summary.chunks == len(make_chunks(text, split(text), engine)) > 10
    # One request per chunk, and one for the summary.
    assert len(engine.asked) == summary.chunks + 1


def test_condensed_text_has_the_lead_and_the_chunks_in_order():
    class Last(Window):
        def say(self, article: str) -> str:
            return split(article)[-1].text

    text = long_article(4000)
    engine = Last(1000)
    summary = summarizer_with(engine).summarize(Article(text), (LONG,))
    combined = [one.text for one in split(engine.asked[summary.chunks].article)]
    assert " ".join(combined[:2]) == LEAD
    places = [text.index(sentence) for sentence in combined]
    assert places == sorted(places)
    assert len(places) > 8


def test_unsupported_chunk_summary_is_replaced_by_a_chunk_sentence():
    class Inventing(Window):
        def say(self, article: str) -> str:
            return f"Bob Quayle wept. {split(article)[1].text}" if "Maud Lindgren" in article else "Bob Quayle wept."

    engine = Inventing(1000)
    summary = summarizer_with(engine).summarize(Article(long_article(4000)), (LONG,))
    combined = [one.text for one in split(engine.asked[summary.chunks].article)]
    assert "Bob Quayle wept." not in combined
    own = [split(request.article)[0].text for request in engine.asked[1 : summary.chunks]]
    # Each chunk's first sentence is present, or a near-duplicate.
    assert distinct([*combined, *own]) == combined
    assert len(combined) > len(set(own)) / 2
    # Without the check, the output is used as it is.
    engine = Inventing(1000)
    summary = summarizer_with(engine, check=False).summarize(Article(long_article(4000)), (LONG,))
    assert "Bob Quayle wept." in engine.asked[summary.chunks].article


def test_chunk_summary_is_checked_against_its_own_chunk_only():
    class Mixing(Window):
        def say(self, article: str) -> str:
            return FACT

    engine = Mixing(1000)
    # In the middle, so that it is in neither the first nor the last chunk.
    summary = summarizer_with(engine).summarize(Article(planted(4000, 0.5).text), (LONG,))
    combined = [one.text for one in split(engine.asked[summary.chunks].article)]
    assert combined.count(FACT) == 1
    assert len(combined) > summary.chunks


def test_chunk_summary_length_depends_on_the_number_of_chunks():
    lengths = []
    for words in (900, 9000):
        engine = Window(1000)
        summary = summarizer_with(engine).summarize(Article(long_article(words)))
        lengths.append({row.length for request in engine.asked[: summary.chunks] for row in request.rows})
    assert lengths == [{Length.LONG}, {Length.SHORT}]


class Copying(Window):
    def say(self, article: str) -> str:
        return article


class Silent(Window):
    def say(self, article: str) -> str:
        return ""


@pytest.mark.parametrize("engine", [Copying, Silent])
@pytest.mark.parametrize("window", [16, 60, 300])
def test_condensing_terminates_if_the_model_shortens_nothing(engine, window):
    model = engine(window)
    text = long_article(3000)
    summary = summarizer_with(model).summarize(Article(text), (LONG,))
    assert summary.summaries[0].text
    # Each level has at most slightly more than half as many chunks as the previous one.
    assert summary.chunks < len(model.asked) < 3 * summary.chunks


def test_parallel_articles_get_their_own_summaries_in_order():
    class Counting(Window):
        most = 0

        def submit(self, request):
            handle = super().submit(request)
            self.most = max(self.most, len(self._waiting))
            return handle

    texts = [long_article(3000), ARTICLE, long_article(1500, seed=1), "Short. It is.", long_article(6000, seed=2)]
    engine = Counting(1000)
    summarizer = summarizer_with(engine)
    together = run(engine, (summarizer.pipeline(Article(text)) for text in texts))
    assert engine.most == engine.parallel_requests
    for text, summary in zip(texts, together, strict=True):
        alone = summarizer_with(Window(1000)).summarize(Article(text))
        assert [one.text for one in summary.summaries] == [one.text for one in alone.summaries]
        assert summary.character_count == len(text)


def test_article_within_the_window_is_one_request():
    engine = Window(1000)
    summary = summarizer_with(engine).summarize(Article(ARTICLE))
    assert summary.chunks == 1
    assert len(engine.asked) == 1
    assert engine.asked[0].article.split() == ARTICLE.replace("“", '"').replace("”", '"').split()
