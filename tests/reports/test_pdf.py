"""The PDF: archivable, tagged, the same bytes each time, its evidence inside, and deaf to what its text asks for."""

from __future__ import annotations

import hashlib
import io
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pikepdf
import pypdf
import pytest

from keysweep.reports.catalog import Framework, get
from keysweep.reports.document import Document
from keysweep.reports.render import pdf
from tests.contracts.test_renderers import HOSTILE, hostile
from tests.reports.making import quarter

ROOT = Path(__file__).resolve().parents[2]
_AGAIN = """
import sys
sys.path.insert(0, {root!r})
from tests.reports.making import quarter
from keysweep.reports.catalog import Framework, get
from keysweep.reports.render import pdf
sys.stdout.buffer.write(pdf.render(get("key_age").build(quarter(), Framework.BOTH)))
"""


def built() -> Document:
    return get("key_age").build(quarter(), Framework.BOTH)


@pytest.fixture(scope="module")
def document() -> Document:
    return built()


@pytest.fixture(scope="module")
def content(document: Document) -> bytes:
    return pdf.render(document)


@pytest.fixture
def opened(content: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(content))


def test_the_metadata_claims_pdf_a_3a_and_pdf_ua_1(opened: pikepdf.Pdf) -> None:
    """In one RDF element, which is the only one that readers look at; the extension schema that PDF/A asks for is there."""
    xmp = bytes(opened.Root.Metadata.read_bytes()).decode()
    assert re.search(r"<pdfaid:part>3</pdfaid:part>|pdfaid:part=\"3\"", xmp)
    assert re.search(r"<pdfaid:conformance>A</pdfaid:conformance>|pdfaid:conformance=\"A\"", xmp)
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert "PDF/UA identification" in xmp
    assert xmp.count("<rdf:RDF") == 1


def test_the_file_is_tagged_titled_and_outlined(opened: pikepdf.Pdf, document: Document) -> None:
    """What a screen reader and an archive ask for."""
    root = opened.Root
    assert bool(root.MarkInfo.Marked)
    assert root.StructTreeRoot.K is not None
    assert str(root.Lang) == "en"
    assert bool(root.ViewerPreferences.DisplayDocTitle)
    assert str(root.OutputIntents[0].S) == "/GTS_PDFA1"
    with opened.open_outline() as outline:
        titles = [re.sub(r"\s+", " ", item.title).strip() for item in outline.root[0].children]
    assert titles == ["Contents", *(f"{n} {s.title}" for n, s in enumerate(document.sections, 1))]


def test_every_font_is_embedded_and_every_character_has_a_glyph(opened: pikepdf.Pdf) -> None:
    """No font comes from the reader's machine, and none but the bundled family was used."""
    fonts = [o for o in opened.objects if isinstance(o, pikepdf.Dictionary) and o.get("/Type") == "/FontDescriptor"]
    assert fonts
    for font in fonts:
        assert {"/FontFile2", "/FontFile3"} & set(font.keys()), str(font.FontName)
        assert "IBM-Plex" in str(font.FontName).replace("IBMPlex", "IBM-Plex"), str(font.FontName)


def test_no_character_is_printed_as_the_box_of_a_missing_glyph() -> None:
    """Hostile text included: glyph number 0 is shown nowhere."""
    content = pdf.render(hostile(" ".join(HOSTILE.values())))
    shown = 0
    for page in pikepdf.open(io.BytesIO(content)).pages:
        for codes in re.findall(rb"<([0-9a-fA-F]+)>", pikepdf.Page(page).obj.Contents.read_bytes()):
            glyphs = [codes[at : at + 4] for at in range(0, len(codes), 4)]
            shown += len(glyphs)
            assert b"0000" not in glyphs
    assert shown > 1000


def test_every_picture_has_a_text_in_its_place(opened: pikepdf.Pdf) -> None:
    """Each figure of the structure tree carries its numbers as alternative text."""
    figures = [o for o in opened.objects if isinstance(o, pikepdf.Dictionary) and o.get("/S") == "/Figure"]
    told = [str(figure.get("/Alt", "")) for figure in figures]
    assert told
    assert all(told)
    assert any(text.startswith("Credentials by age.") for text in told)


def test_tables_have_heads_with_a_scope(opened: pikepdf.Pdf) -> None:
    """A cell can be read together with what stands above it."""
    heads = [o for o in opened.objects if isinstance(o, pikepdf.Dictionary) and o.get("/S") == "/TH"]
    assert len(heads) > 50
    assert all("/A" in head for head in heads)


def test_another_process_place_and_seed_give_the_same_bytes(content: bytes, tmp_path: Path) -> None:
    """Time zone, locale, hash seed, home and working folder leave no trace."""
    for number, (zone, seed, locale) in enumerate([("Asia/Tokyo", "1", "C"), ("America/New_York", "4242", "C.UTF-8")]):
        home = tmp_path / str(number)
        home.mkdir()
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(home), "TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": locale,
            "PYTHONUTF8": "1",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", _AGAIN.format(root=str(ROOT))], cwd=home, env=environ, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
        assert hashlib.sha256(done.stdout).hexdigest() == hashlib.sha256(content).hexdigest()


def test_the_attached_evidence_comes_out_as_it_went_in(content: bytes, document: Document, tmp_path: Path) -> None:
    """With the auditor's own tools: pdfdetach, then sha256sum over the attached manifest."""
    report = tmp_path / "report.pdf"
    report.write_bytes(content)
    subprocess.run(["pdfdetach", "-saveall", report.name], cwd=tmp_path, check=True, capture_output=True)
    for file in document.attachments:
        assert (tmp_path / file.name).read_bytes() == file.content
    checked = subprocess.run(["sha256sum", "-c", "manifest.sha256"], cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0
    assert checked.stdout.count(": OK") == len(document.attachments) - 1


def test_the_printed_digests_are_those_of_the_attachments(content: bytes, document: Document) -> None:
    """A reader can compare paper and file."""
    text = re.sub(r"\s", "", "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages))
    for file in document.attachments:
        assert hashlib.sha256(file.content).hexdigest() in text
    assert bytes(range(32)).hex() in text


def test_each_page_but_the_cover_names_the_report_and_its_own_number(content: bytes, document: Document) -> None:
    """Loose pages can be put back in order."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    for number, page in enumerate(pages, 1):
        text = page.extract_text()
        assert document.id in text
        assert (f"Page {number} of {len(pages)}" in text) is (number > 1)


def test_every_credential_is_printed(content: bytes) -> None:
    """Text extraction finds each name."""
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    for key in quarter().keys:
        assert key.name in text


def test_hostile_text_is_printed_and_fetches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Markup, addresses, emoji, control characters and right-to-left text: all at once, no connection, no foreign file inside."""
    asked: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: asked.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *names, **_: asked.append(names))
    everything = " ".join(HOSTILE.values())
    content = pdf.render(hostile(everything))
    assert not asked
    reader = pypdf.PdfReader(io.BytesIO(content))
    text = "".join(page.extract_text() for page in reader.pages)
    assert "<imgsrc=http://127.0.0.1:9/x.png" in re.sub(r"\s", "", text)
    assert "U+1F511" in re.sub(r"\s", "", text)
    assert set(reader.attachments) == {file.name for file in hostile("x").attachments}
    passwd = Path("/etc/passwd").read_bytes()
    for item in pikepdf.open(io.BytesIO(content)).objects:
        if isinstance(item, pikepdf.Stream):
            assert passwd not in item.read_bytes()


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "http://127.0.0.1:9/", "file://host/share/x", "data:text/plain,x", "ftp://x/y"]
)
def test_the_fetcher_refuses_everything_but_the_packaged_assets(address: str) -> None:
    """Even where a template would ask for it."""
    from weasyprint.urls import FatalURLFetchingError

    with pytest.raises(FatalURLFetchingError):
        pdf._fetcher().fetch(address)


def test_the_fetcher_does_not_leave_the_folder_of_assets() -> None:
    """A path that climbs out is refused, whatever its spelling."""
    from weasyprint.urls import FatalURLFetchingError

    for path in ("/../render/pdf.py", "/%2e%2e/render/pdf.py", ""):
        with pytest.raises(FatalURLFetchingError):
            pdf._fetcher().fetch(pdf.ASSETS.as_uri() + path)


def test_without_the_subsetter_a_pdf_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fonts subset in another way carry the time: the message names the package."""
    import weasyprint.text.ffi

    monkeypatch.setattr(weasyprint.text.ffi, "harfbuzz_subset", None)
    with pytest.raises(pdf.MissingLibraryError) as caught:
        pdf.render(built())
    assert "libharfbuzz-subset0" in str(caught.value.hint)
