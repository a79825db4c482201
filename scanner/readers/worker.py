"""Decode one image in a confined process: `python worker.py` reads the file on standard input and writes a grey PNG.

Runs with limits on memory and processor time, without the rest of keysweep; see `image.py`.  Exit status: 0 done, 3 refused by
limits, 4 broken.
"""

from __future__ import annotations

import io
import sys
import warnings

MEMORY = 1 << 30
SECONDS = 30
PIXELS = 64_000_000
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
_LARGEST = 64 << 20
_TARGET_WIDTH = 3200


def _confine() -> None:
    import resource

    for limit, value in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(limit, (value, value))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _normalised(data: bytes) -> tuple[bytes, float, bool]:
    """Return dark text on white as PNG, enlarged for small terminal fonts, the factor, and whether there are more frames."""
    from PIL import Image, ImageOps, ImageStat

    Image.MAX_IMAGE_PIXELS = PIXELS
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > PIXELS:
            raise Image.DecompressionBombError
        image.seek(0)
        more = bool(getattr(image, "is_animated", False))
        grey = image.convert("RGBA")
        flat = Image.new("RGBA", grey.size, "white")
        flat.alpha_composite(grey)
        grey = flat.convert("L")
    if ImageStat.Stat(grey).mean[0] < 128:
        grey = ImageOps.invert(grey)
    factor = 1.0 if grey.width >= _TARGET_WIDTH else min(3.0, _TARGET_WIDTH / max(grey.width, 1))
    if factor > 1.0 and grey.width * grey.height * factor * factor < PIXELS:
        grey = grey.resize((round(grey.width * factor), round(grey.height * factor)), Image.Resampling.LANCZOS)
    else:
        factor = 1.0
    grey = ImageOps.expand(ImageOps.autocontrast(grey), border=20, fill=255)
    out = io.BytesIO()
    grey.save(out, "PNG", compress_level=1)
    return out.getvalue(), factor, more


def main() -> int:
    """Decode standard input."""
    _confine()
    from PIL import Image

    warnings.simplefilter("error")
    data = sys.stdin.buffer.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        return 3
    try:
        png, factor, more = _normalised(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        return 3
    except Exception:  # noqa: BLE001  a worker: whatever a hostile image does ends here
        return 4
    sys.stdout.buffer.write(f"{factor:.6f} {int(more)}\n".encode() + png)
    return 0


if __name__ == "__main__":
    sys.exit(main())
