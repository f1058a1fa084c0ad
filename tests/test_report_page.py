"""The HTML report in a browser, with a hostile article from a real server: mouse, keyboard and touch.

Needs Chromium and its driver. Without them, the tests are skipped, or fail if REQUIRE_BROWSER is set, as in
`.ci/run`.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from nutgraf import Article, Client
from nutgraf.report import render_many
from nutgraf_models.lengths import Length
from support.articles import ARTICLE, OTHER
from support.server import ScriptedEngine, running_server, summarizer_with

NEEDED = "needs Chromium and its driver: apt-get install chromium chromium-driver"
WIDE, NARROW = (1280, 800), (390, 844)
ATTACK = (
    "</script></style></title><script>window.attacked = 1</script><img src='https://attack.invalid/x.png' "
    "onerror='window.attacked = 2'>"
)
TITLE = f'Port & "quay" {ATTACK}'
# Long enough that the passages at its end are initially out of view.
TEXT = f"{ATTACK}\n\n" + "\n\n".join(f"{OTHER} 🎈 {ATTACK}" for _ in range(8)) + f"\n\n<p>{ARTICLE}"
SHORT = "The crane that fell across the main quay of Marlow was built in 1974, and Tarnholm inspected it in March."
LONG = "Two ships waited outside the breakwater for nine hours. The crane was built in 1974."


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    script = {
        (Length(length), beams): (text,) for length, text in (("short", SHORT), ("long", LONG)) for beams in (1, 4)
    }
    with running_server(lambda: summarizer_with(ScriptedEngine(script))) as server, Client(server.address) as client:
        articles = [Article(TEXT, TITLE), Article(ARTICLE, "The same, tamer")]
        answers = list(client.summarize_many(articles, show_doubted=True))
    for answer in answers:
        assert answer.unwrap().short.unsupported_terms[0].text == "Tarnholm"
        assert len(answer.unwrap().short.sentences[0].sources) > 1
    path = tmp_path_factory.mktemp("report") / "page.html"
    path.write_text(render_many(answers), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)(NEEDED)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for argument in ("--headless=new", "--disable-dev-shm-usage", "--no-sandbox", "--disable-background-networking"):
        options.add_argument(argument)
    # Explicit paths, so that Selenium neither searches nor downloads.
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def visit(browser: webdriver.Chrome, page: Path) -> Iterator[Callable[..., "Tab"]]:
    """Opens the page; at the end, asserts no other requests, no script errors and no injected scripts."""

    def open_page(size: tuple[int, int] = WIDE, **media: str) -> Tab:
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == NARROW}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in media.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        forget(browser)
        browser.get(page.as_uri())
        return Tab(browser)

    yield open_page
    assert browser.execute_script("return window.attacked") is None
    assert requested(browser) == {page.as_uri()}
    assert browser.get_log("browser") == []


def forget(browser: webdriver.Chrome) -> None:
    browser.get("about:blank")
    for kind in ("browser", "performance"):
        browser.get_log(kind)


def requested(browser: webdriver.Chrome) -> set[str]:
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return {
        event["params"]["request"]["url"].partition("#")[0]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }


class Tab:
    """The page as a reader sees it."""

    def __init__(self, browser: webdriver.Chrome) -> None:
        self.browser = browser

    def sentence(self, identifier: str) -> WebElement:
        return self.browser.find_element(By.ID, f"s{identifier}")

    def lit(self) -> dict[str, str]:
        """Highlighted passages, in article order, with their strength; "1" is the strongest."""
        return {
            element.text: element.get_attribute("data-lit")
            for element in self.browser.find_elements(By.CSS_SELECTOR, "[data-lit]")
        }

    def color(self, selector: str) -> str:
        return self.browser.find_element(By.CSS_SELECTOR, selector).value_of_css_property("background-color")

    def wait(self, condition: Callable[[], object]) -> None:
        WebDriverWait(self.browser, 20, poll_frequency=0.05).until(lambda _: condition())

    def is_in_sight(self, selector: str) -> bool:
        """Whether an element is seen whole: in the window, and under nothing else."""
        return self.browser.execute_script(
            "const element = document.querySelector(arguments[0]);"
            "return [...element.getClientRects()].every(({left, top, right, bottom}) =>"
            " [[left + 2, top + 2], [right - 2, bottom - 2]].every(([x, y]) =>"
            "  element.contains(document.elementFromPoint(x, y))));",
            selector,
        )

    def show(self, element: WebElement) -> WebElement:
        """Scrolls an element into view without animation, so that the pointer hits it."""
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'nearest', behavior: 'instant'})", element)
        return element

    def point_at(self, element: WebElement) -> None:
        ActionChains(self.browser).move_to_element(self.show(element)).perform()

    def tap(self, element: WebElement) -> None:
        actions = ActionBuilder(self.browser, mouse=PointerInput("touch", "finger"))
        actions.pointer_action.move_to(self.show(element)).pointer_down().pointer_up()
        actions.perform()

    def focused(self) -> str:
        return self.browser.switch_to.active_element.get_attribute("id")

    def press(self, key: str) -> None:
        ActionChains(self.browser).send_keys(key).perform()


EVIDENCE = {
    "The port of Marlow reopened on Monday after a crane fell across its main quay.": "1",
    "The crane, built in 1974, was to be replaced next year.": "3",
    "Its owner, Marlow Docks Ltd., said that it had been inspected in March and found to be sound.": "2",
}


def test_hover_highlights_passages_and_scrolls_to_the_best(visit):
    tab = visit()
    assert tab.lit() == {}
    best = tab.sentence("1-1").get_attribute("hash")
    assert not tab.is_in_sight(best)
    tab.point_at(tab.sentence("1-1"))
    assert tab.lit() == EVIDENCE
    tab.wait(lambda: tab.is_in_sight(best))
    tab.wait(lambda: len({tab.color("html"), *(tab.color(f'[data-lit="{rank}"]') for rank in "123")}) == 4)
    # The page has scrolled, but the same sentence is still highlighted.
    assert tab.lit() == EVIDENCE
    tab.point_at(tab.sentence("1-2"))
    assert list(tab.lit()) == [
        "Two ships had to wait for nine hours outside the breakwater, and a third turned back to Rundvik."
    ]
    ActionChains(tab.browser).move_by_offset(500, 0).perform()
    assert tab.lit() == {}


def test_keyboard_moves_between_sentence_and_passage(visit):
    tab = visit(reduced_motion="reduce")
    reached = []
    while not reached or reached[-1] != "s1-2":
        tab.press(Keys.TAB)
        reached.append(tab.focused())
        assert len(reached) < 10
    assert reached == ["", "", "s1-1", "s1-2"]  # two articles to choose from, then the first one's sentences
    ActionChains(tab.browser).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    assert tab.focused() == "s1-1"
    assert tab.lit() == EVIDENCE
    assert tab.sentence("1-1").value_of_css_property("outline-style") == "solid"
    best = tab.sentence("1-1").get_attribute("hash")
    assert tab.is_in_sight(best)
    assert tab.is_in_sight("#s1-1")
    tab.press(Keys.ENTER)
    assert f"#{tab.focused()}" == best
    assert tab.lit() == EVIDENCE
    tab.press(Keys.ESCAPE)
    assert tab.focused() == "s1-1"
    tab.press(Keys.ESCAPE)
    assert tab.lit() == {}


def test_tap_on_a_narrow_screen(visit):
    tab = visit(NARROW)
    best = tab.sentence("1-1").get_attribute("hash")
    entries = tab.browser.execute_script("return history.length")
    tab.tap(tab.sentence("1-1"))
    assert tab.lit() == EVIDENCE
    tab.wait(lambda: tab.is_in_sight(best) and tab.is_in_sight("#s1-1"))
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert tab.browser.execute_script(wide) == 0
    assert tab.browser.execute_script("return history.length") == entries
    tab.tap(tab.browser.find_element(By.CSS_SELECTOR, best))  # to read or copy it
    assert tab.lit() == EVIDENCE
    # A moving finger scrolls; browsers report different numbers of its moves to the page.
    moved = "arguments[0].dispatchEvent(new PointerEvent('pointermove', {pointerType: 'touch', bubbles: true}))"
    tab.browser.execute_script(moved, tab.sentence("1-2"))
    assert tab.lit() == EVIDENCE
    tab.tap(tab.browser.find_element(By.CSS_SELECTOR, "h3"))
    assert tab.lit() == {}


def test_passage_is_not_hidden_under_the_summaries(visit):
    tab = visit(NARROW)
    tab.browser.execute_script("window.scrollTo({top: document.body.scrollHeight, behavior: 'instant'})")
    best = tab.sentence("2-1").get_attribute("hash")
    assert not tab.is_in_sight(best)
    tab.tap(tab.sentence("2-1"))
    tab.wait(lambda: tab.is_in_sight(best) and tab.is_in_sight("#s2-1"))


def test_articles_have_their_own_passages(visit):
    tab = visit()
    tab.browser.execute_script("arguments[0].focus()", tab.sentence("2-1"))
    assert tab.lit() == EVIDENCE
    assert tab.browser.find_elements(By.CSS_SELECTOR, "#story-1 [data-lit]") == []


def test_accessible_names_roles_and_descriptions(visit):
    tab = visit()
    link = tab.sentence("1-1")
    assert link.aria_role == "link"
    assert link.accessible_name == SHORT.replace("Tarnholm", "Tarnholm (not in the article)")
    described = tab.browser.find_element(By.ID, link.get_attribute("aria-describedby"))
    assert described.text.startswith("Support ")
    assert described.text.endswith("%, 3 passages, doubted")
    assert [element.aria_role for element in tab.browser.find_elements(By.CSS_SELECTOR, "body > *")[:4]] == [
        "banner",
        "navigation",
        "main",
        "contentinfo",
    ]
    (first, second) = tab.browser.find_elements(By.TAG_NAME, "article")
    assert (first.aria_role, first.accessible_name) == ("article", TITLE)
    assert second.accessible_name == "The same, tamer"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_sufficient_in_light_and_dark(visit, scheme):
    """At least 4.5 to 1 for all text: WCAG 2.2, level AA (1.4.3)."""
    tab = visit(color_scheme=scheme, reduced_motion="reduce")
    tab.browser.execute_script("arguments[0].focus()", tab.sentence("1-1"))
    found = tab.browser.execute_script(CONTRASTS)
    assert len(found) > 20
    assert {text: ratio for text, ratio in found if ratio < 4.5} == {}
    paper = tab.color("html")
    assert (sum(map(int, paper[paper.index("(") + 1 : -1].split(", ")[:3])) < 384) == (scheme == "dark")


CONTRASTS = """
const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
const luminance = (color) => numbers(color).slice(0, 3).map((part) => part / 255)
  .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
const behind = (element) => {
  const color = getComputedStyle(element).backgroundColor;
  return numbers(color)[3] === 0 ? behind(element.parentElement) : color;
};
for (const animation of document.getAnimations()) animation.finish();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const found = [];
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || element.matches("script, .unseen")) continue;
  const [dark, light] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((a, b) => a - b);
  found.push([walker.currentNode.data.slice(0, 40), (light + 0.05) / (dark + 0.05)]);
}
return found;
"""


def test_print_links_sentences_to_passages_by_number(visit):
    tab = visit()
    tab.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    content = "return getComputedStyle(document.querySelector(arguments[0]), arguments[1]).content"
    assert tab.browser.execute_script(content, '[data-number="1"]', "::after") == '"\u00a01"'
    best = tab.sentence("1-1").get_attribute("hash")
    assert tab.browser.execute_script(content, best, "::before") == '"1\u00a0"'


def test_content_security_policy_blocks_scripts(browser, page, tmp_path):
    hostile = tmp_path / "hostile.html"
    hostile.write_text(page.read_text(encoding="utf-8").replace("<main>", f"<main>{ATTACK}"), encoding="utf-8")
    forget(browser)
    browser.get(hostile.as_uri())
    assert browser.find_elements(By.CSS_SELECTOR, "main > img")
    assert browser.execute_script("return window.attacked") is None
    # The other tests would report the attempt.
    assert requested(browser) == {hostile.as_uri(), "https://attack.invalid/x.png"}
    refusals = [entry["message"] for entry in browser.get_log("browser")]
    for kind in ("script-src", "img-src"):
        assert any(kind in refusal and "Content Security Policy" in refusal for refusal in refusals), kind
