"""A document as PDF/A-3a and PDF/UA-1, with its evidence attached; fetches nothing but the packaged assets."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from keysweep.foundation.errors import MissingExtraError, UsageError
from keysweep.reports.document import Document
from keysweep.reports.render import html
from keysweep.reports.render.html import ASSETS

_UA = (
    b'<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"><pdfuaid:part>1</pdfuaid:part></rdf:Description>'
    b'<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" '
    b'xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
    b'<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema>'
    b"<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    b'<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name>'
    b"<pdfaProperty:valueType>Integer</pdfaProperty:valueType><pdfaProperty:category>internal</pdfaProperty:category>"
    b"<pdfaProperty:description>PDF/UA part</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag>"
    b"</pdfaExtension:schemas></rdf:Description>"
)
"""What says PDF/UA-1 in the metadata of a PDF/A, with the extension schema that PDF/A asks for."""


class MissingLibraryError(UsageError):
    """A library of the system is not installed."""

    def __init__(self, library: str, package: str) -> None:
        super().__init__(f"a PDF needs {library}, which is not installed", hint=f"Debian: apt-get install {package}")


def render(document: Document) -> bytes:
    """Return the PDF.

    Raises:
        MissingExtraError: WeasyPrint is not installed.
        MissingLibraryError: a library is absent; without the subsetter each run would give other bytes.
    """
    os.environ.setdefault("FONTCONFIG_FILE", str(ASSETS / "fonts.conf"))
    os.environ["SOURCE_DATE_EPOCH"] = str(int(document.as_of.timestamp()))
    try:
        import weasyprint
    except ImportError as error:
        raise MissingExtraError(feature="a PDF", extra="report") from error
    except OSError as error:
        raise MissingLibraryError(library="Pango", package="libpango-1.0-0 libpangoft2-1.0-0") from error
    if weasyprint.text.ffi.harfbuzz_subset is None:
        raise MissingLibraryError(library="HarfBuzz's subsetter", package="libharfbuzz-subset0")
    attachments = [
        weasyprint.Attachment(
            string=file.content,
            name=file.name,
            description=file.description,
            created=document.as_of,
            modified=document.as_of,
            relationship="Source",
        )
        for file in sorted(document.attachments, key=lambda f: f.name)
    ]
    fetcher = _fetcher()
    page = weasyprint.HTML(string=html.render(document).decode(), base_url=ASSETS.as_uri() + "/", url_fetcher=fetcher)
    with warnings.catch_warnings():
        # WeasyPrint 70 leaves the file of its colour profile to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        pdf: bytes = page.write_pdf(
            attachments=attachments, pdf_variant="pdf/a-3a", finisher=_declare_ua, pdf_tags=True
        )
    return pdf


def _fetcher() -> Any:
    """Return a fetcher that gives out the packaged assets and refuses everything else."""
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    class AssetsOnly(URLFetcher):  # type: ignore[misc]  # the library has no types
        def fetch(self, url: str, headers: Any = None) -> Any:  # noqa: ARG002  the library's shape
            parts = urlsplit(url)
            path = Path(unquote(parts.path)).resolve()
            if parts.scheme != "file" or parts.netloc or not path.is_relative_to(ASSETS) or not path.is_file():
                msg = "a report fetches nothing from outside"
                raise FatalURLFetchingError(msg)
            return URLFetcherResponse(url, path.read_bytes())

    return AssetsOnly()


def _declare_ua(_document: Any, pdf: Any) -> None:
    """Add the PDF/UA claim to the metadata that the library wrote: a second RDF element would be ignored by readers."""
    for item in pdf.objects:
        stream = getattr(item, "stream", None)
        if stream and any(isinstance(part, bytes) and b"</rdf:RDF>" in part for part in stream):
            item.stream = [
                part.replace(b"</rdf:RDF>", _UA + b"</rdf:RDF>") if isinstance(part, bytes) else part for part in stream
            ]
