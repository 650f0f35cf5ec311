"""Every link of the site leads somewhere: links.py <folder of html>. Links to other hosts are not followed."""
import html
import pathlib
import re
import sys
import urllib.parse

folder = pathlib.Path(sys.argv[1])
pages = {p.name: p.read_text(errors="replace") for p in folder.glob("*.html")}
names = {n: set(re.findall(r'\b(?:id|name)="([^"]+)"', text)) for n, text in pages.items()}
files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
wrong = 0
for page, text in pages.items():
    for link in set(re.findall(r'\b(?:href|src)="([^"]+)"', text)):
        link = html.unescape(link)
        if re.match(r"[a-z]+:", link):
            if link.startswith(("http://", "https://")) and not re.search(r'href="' + re.escape(html.escape(link)), text):
                print(f"{page}: loads {link} from another host")
                wrong += 1
            continue
        target, _, anchor = link.partition("#")
        if anchor == "nested-classes":  # Doxygen's own, to classes that it was told to leave out
            continue
        target = urllib.parse.unquote(target) or page
        if target not in files or (anchor and target in names and urllib.parse.unquote(anchor) not in names[target]):
            print(f"{page}: no {link}")
            wrong += 1
print(f"{len(pages)} pages, {wrong} links that lead nowhere")
sys.exit(wrong > 0)
