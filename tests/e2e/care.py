"""What no page may lack: looked for by axe, and with the Tab key."""

from typing import Any

#: Before any of the page's own scripts: who listens for clicks, what had the focus, what is asked.
NOTES = """(() => {
  const add = EventTarget.prototype.addEventListener, ask = window.fetch
  window.clicked = new Set()
  window.reached = new Set()
  window.asked = 0
  EventTarget.prototype.addEventListener = function (type, listener, how) {
    // Who listens before the target does so only to hold back the click that ends a drag.
    const before = how === true || how?.capture
    if (type === 'click' && !before && this instanceof Element) window.clicked.add(this)
    return add.call(this, type, listener, how)
  }
  window.fetch = (...given) => {
    window.asked++
    return ask(...given).finally(() => window.asked--)
  }
  document.addEventListener('focusin', event => window.reached.add(event.target))
})()"""

#: Two frames after the last answer, what it said is on the page.
AT_REST = """async () => {
  for (let still = 0; still < 2; still = window.asked ? 0 : still + 1)
    await new Promise(requestAnimationFrame)
  return true
}"""

#: What Tab should come to, and what is wrong with how it would.
LOOK = """() => {
  const told = element => element.outerHTML.slice(0, 200)
  const seen = { visibilityProperty: true }
  const there = element => element.isConnected && element.checkVisibility(seen)
  const wrong = []
  for (const element of document.querySelectorAll('[tabindex]'))
    if (element.tabIndex > 0) wrong.push(`comes before its turn: ${told(element)}`)
  for (const element of window.clicked)
    // A label passes its clicks on to what it labels.
    if (there(element) && element.tabIndex < 0 && !(element instanceof HTMLLabelElement))
      wrong.push(`can be clicked, and has no place in the Tab order: ${told(element)}`)
  const some = 'a[href], button, input, select, textarea, summary, [tabindex]'
  window.wanted = [...document.querySelectorAll(some)].filter(element =>
    element.tabIndex >= 0 && !element.disabled && there(element))
  document.activeElement?.blur()
  window.reached.clear()
  return { wrong, count: window.wanted.length }
}"""

#: What is still there and was not come to.
MISSED = """() => window.wanted
  .filter(element => element.isConnected && !window.reached.has(element))
  .map(element => `Tab does not come to it: ${element.outerHTML.slice(0, 200)}`)"""

_AXE = "options => axe.run(document, { resultTypes: ['violations'], ...options })"

#: Some fields take several: a date has its parts.
SPARE = 40


#: The other theme is one button away, and changes nothing but colours.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def at_rest(page: Any) -> None:
    """Waits until all that the page asked for is answered and drawn."""
    page.evaluate(AT_REST)


def wrong_with(page: Any) -> list[str]:
    """All that is, in both themes. The page is at rest and has `NOTES`."""
    found = [*_serious(page), *_out_of_reach(page)]
    page.locator("button.theme").click()
    at_rest(page)
    found += _serious(page, COLOURS)
    page.locator("button.theme").click()
    return found


def _serious(page: Any, options: dict[str, Any] | None = None) -> list[str]:
    """What axe finds that is serious or critical."""
    from axe_playwright_python.base import AXE_FILE_PATH

    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_FILE_PATH.read_text())
    found = page.evaluate(_AXE, options or {})
    return [
        f"{one['help']}: {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def _out_of_reach(page: Any) -> list[str]:
    """What no one could use who has no mouse."""
    found = page.evaluate(LOOK)
    missed: list[str] = []
    for presses in (found["count"] + 2, SPARE):
        for _ in range(presses):
            page.keyboard.press("Tab")
        missed = page.evaluate(MISSED)
        if not missed:
            break
    return [*found["wrong"], *missed]
