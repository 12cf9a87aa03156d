"""How soon the page is there, how fast it follows the slider, how much memory it holds."""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from figures.page import Settings, main
from tests.support.chromium import CHROMIUM, Browser

FOLLOW = """new Promise((done) => {
    const slider = document.querySelector('.controls input');
    const started = performance.now();
    slider.value = %d;
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now() - started);
        channel.port2.postMessage(0);
    });
})"""
"""Milliseconds from moving the slider to the end of the frame that shows it."""


def resident(browser: Browser) -> int:
    """MB that the page's own process has in memory."""
    pages = browser.renderers()
    return max(int(line.split()[1]) // 1024 for pid in pages for line in _status(pid))


def _status(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/status").read_text()
    return [line for line in text.splitlines() if line.startswith("VmRSS")]


def bench() -> None:
    """Write the page, open it, move the slider, and print what that took."""
    if CHROMIUM is None:
        sys.exit("Chromium is missing: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        started = time.perf_counter()
        main(Settings(output=page))
        print(f"written in {time.perf_counter() - started:.1f} s")
        with Browser() as browser:
            browser.open(page)
            browser.until("!!document.querySelector('.easel')")
            paint = browser.run(
                "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            )
            ready = browser.run("performance.getEntriesByName('player')[0].startTime")
            print(f"first paint after {paint:.0f} ms, player after {ready:.0f} ms")
            time.sleep(2)
            times = [browser.run(FOLLOW % (k * 5 % 13)) for k in range(40)]
            again = [browser.run(FOLLOW % (k * 5 % 13)) for k in range(40)]
            for name, some in (("first", times), ("again", again)):
                median, worst = statistics.median(some), max(some)
                print(f"slider to screen, {name} time round: {median:.0f} ms, worst {worst:.0f}")
            print(f"memory of the page {resident(browser)} MB")


if __name__ == "__main__":
    bench()
