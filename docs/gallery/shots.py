"""Pictures of a report for docs/gallery.md: shots.py <report.html> <name> <folder> <section>...

The first picture is the top of the page; then one of each section named by the words of its heading."""
import base64
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "report"))
import browser

WIDTH, HEIGHT = 1000, 620
BOX = """(() => { const h = [...document.querySelectorAll('h2')].find((x) => x.textContent === %r).closest('section').getBoundingClientRect();
    return [h.top + window.scrollY, h.height]; })()"""


def main(report, name, folder, *sections):
    path = browser.find()
    if not path:
        print("no Chromium here", file=sys.stderr)
        return 1
    with browser.Browser(path) as b:
        b.screen(WIDTH, HEIGHT)
        b.open(report)
        b.wait_for("hass_report.ready")
        for k, section in enumerate((None, *sections)):
            top, height = b.run(BOX % section) if section else (0, HEIGHT)
            clip = {"x": 0, "y": top, "width": WIDTH, "height": min(height, HEIGHT), "scale": 0.8}
            shot = b.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
            pathlib.Path(folder, f"{name}_{k}.png").write_bytes(base64.b64decode(shot["data"]))
    return 0


sys.exit(main(*sys.argv[1:]))
