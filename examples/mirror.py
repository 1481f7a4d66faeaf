"""Copy pages to a directory, each page in a step: what was fetched once is not fetched again.

    python mirror.py [URL …]

Without arguments it mirrors three small pages that it writes itself, so it needs no network. Run it twice: the key
leads the second run to the first one's job, and nothing is fetched.
"""

import sys
from pathlib import Path
from urllib.request import urlopen

from outlast import Context, job


@job(max_attempts=3, backoff="200ms..5s", timeout="10m")
def mirror(ctx: Context, urls: list[str], directory: str) -> dict[str, int]:
    sizes = {}
    for number, url in enumerate(urls, start=1):
        sizes[url] = ctx.step(f"fetch {url}", fetch, url, directory)  # runs once; its result is kept
        ctx.progress(done=number, total=len(urls), message=url)
    return sizes


def fetch(url: str, directory: str) -> int:
    print("fetching", url)
    with urlopen(url, timeout=30) as page:
        content = page.read()
    (Path(directory) / Path(url).name).write_bytes(content)
    return len(content)


def sample_pages() -> list[str]:
    site = Path("site").absolute()
    site.mkdir(exist_ok=True)
    pages = [site / name for name in ("index.html", "news.html", "about.html")]
    for page in pages:
        page.write_text(f"<h1>{page.stem}</h1>\n")
    return [page.as_uri() for page in pages]


if __name__ == "__main__":
    urls = sys.argv[1:] or sample_pages()
    copies = Path("mirror").absolute()
    copies.mkdir(exist_ok=True)

    handle = mirror.submit(urls, str(copies), key=f"mirror:{copies}")

    print("job", handle.id)
    for url, size in handle.result(timeout=60).items():
        print(f"{size:6} bytes  {url}")
