"""One HTML page of a result: a single file with its images inside, readable in light and in dark, without a network."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from objrep_gym.figures.style import Paper
from objrep_gym.figures.tables import Table, as_html


@dataclass(frozen=True)
class Picture:
    """An image for both papers, or one for each; `alt` is read where it cannot be seen."""

    image: bytes | Mapping[Paper, bytes]
    alt: str
    caption: str = ""
    width: int | None = None
    """Pixels wide at most; None takes the whole column."""


@dataclass(frozen=True)
class Code:
    """A command or lines of code, as they are typed."""

    text: str


@dataclass(frozen=True)
class Figures:
    """A few great numbers beside each other: pairs of number and word."""

    values: Sequence[tuple[str, str]]


Block = str | Picture | Code | Figures | Table


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; a `str` block is a paragraph of plain text."""

    title: str
    blocks: Sequence[Block]


def page(title: str, lead: str, sections: Sequence[Section], facts: Mapping[str, str] | None = None) -> str:
    """The page as one string: title, a leading sentence, sections, and the facts of its making at the foot.

    All text is escaped; images travel as data URIs; there is no script.
    """
    body = "".join(f"<section><h2>{escape(s.title)}</h2>{''.join(map(block, s.blocks))}</section>" for s in sections)
    foot = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in (facts or {}).items())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title><style>{CSS}</style></head>'
        f'<body><header><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p></header>'
        f"<main>{body}</main><footer><dl>{foot}</dl></footer></body></html>\n"
    )


def block(content: Block) -> str:
    """One block as HTML."""
    if isinstance(content, str):
        return f"<p>{escape(content)}</p>"
    if isinstance(content, Code):
        return f"<pre><code>{escape(content.text)}</code></pre>"
    if isinstance(content, Table):
        return as_html(content)
    if isinstance(content, Figures):
        cells = "".join(f"<div><b>{escape(number)}</b><span>{escape(word)}</span></div>" for number, word in content.values)
        return f'<div class="figures">{cells}</div>'
    return picture(content)


def picture(content: Picture) -> str:
    """A `<figure>`; where there is an image for each paper, the browser's own preference chooses."""
    style = f' style="max-width:{content.width}px"' if content.width else ""
    if isinstance(content.image, bytes):
        inner = f'<img src="{data_uri(content.image)}" alt="{escape(content.alt)}"{style}>'
    else:
        dark = f'<source srcset="{data_uri(content.image["dark"])}" media="(prefers-color-scheme: dark)">'
        light = f'<img src="{data_uri(content.image["light"])}" alt="{escape(content.alt)}"{style}>'
        inner = f"<picture>{dark}{light}</picture>"
    caption = f"<figcaption>{escape(content.caption)}</figcaption>" if content.caption else ""
    return f"<figure>{inner}{caption}</figure>"


def data_uri(image: bytes) -> str:
    """The image inside an address; raises ValueError for what is neither PNG, WebP nor GIF."""
    kinds = {b"\x89PNG": "png", b"RIFF": "webp", b"GIF8": "gif"}
    if image[:4] not in kinds:
        raise ValueError(f"an image that begins with {image[:4]!r} is neither PNG, WebP nor GIF")
    return f"data:image/{kinds[image[:4]]};base64,{base64.b64encode(image).decode()}"


CSS = """
:root{--ink:#1d2430;--soft:#5b6472;--line:#e2e6ec;--paper:#fbfcfd;--card:#fff;--accent:#0b74b5}
@media(prefers-color-scheme:dark){:root{--ink:#e8ecf3;--soft:#9aa4b4;--line:#2a3240;--paper:#11151c;--card:#171c25;--accent:#5cb8f0}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:3.5rem 1.5rem 4rem;background:var(--paper);color:var(--ink);
font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
-webkit-font-smoothing:antialiased}
h1{font-size:clamp(1.9rem,4vw,2.7rem);line-height:1.15;letter-spacing:-.022em;margin:0 0 .6rem;text-wrap:balance}
h2{font-size:1.3rem;letter-spacing:-.012em;margin:0 0 .6rem}
p{max-width:44rem;margin:.5rem 0 1rem}
.lead{font-size:1.13rem;color:var(--soft);margin:0}
header{padding-bottom:2rem;border-bottom:1px solid var(--line)}
section{padding:2.2rem 0 .6rem}
figure,pre{margin:1.2rem 0 1.6rem;padding:1.2rem;background:var(--card);border:1px solid var(--line);
border-radius:12px;overflow-x:auto}
figure img{display:block;width:100%;height:auto;margin:0 auto}
figcaption{margin-top:.9rem;font-size:.88rem;line-height:1.5;color:var(--soft);max-width:46rem}
figcaption p{margin:.35rem 0 0}
figcaption strong{color:var(--ink)}
table{border-collapse:collapse;width:100%;font-size:.94rem;font-variant-numeric:tabular-nums}
th,td{padding:.5rem .8rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
thead th{font-size:.8rem;font-weight:600;color:var(--soft)}
tbody tr:last-child>*{border-bottom:0}
th:first-child,.text{text-align:left}
tbody th{font-weight:500}
td small{color:var(--soft);font-size:.8em}
.best{font-weight:700;color:var(--accent)}
.best small{font-weight:400}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.8rem;margin:1.2rem 0 1.6rem}
.figures div{padding:1rem 1.1rem;background:var(--card);border:1px solid var(--line);border-radius:12px}
.figures b{display:block;font-size:1.7rem;line-height:1.2;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.figures span{font-size:.85rem;color:var(--soft)}
pre{font-size:.88rem}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
footer{margin-top:2rem;padding-top:1.4rem;border-top:1px solid var(--line);font-size:.84rem;color:var(--soft)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem;margin:0}
dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}
"""
