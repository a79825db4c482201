"""One finding a line, as in the JSON of a scan; the last line is the coverage."""

from __future__ import annotations

import json

from keysweep.scanner.output import Format, Look
from keysweep.scanner.output.json import document, finding_json
from keysweep.scanner.pipeline import ScanResult


def _render(result: ScanResult, _look: Look) -> str:
    rest = {key: value for key, value in document(result).items() if key != "findings"}
    lines: list[dict[str, object]] = [*map(finding_json, result.findings), rest]
    return "".join(json.dumps(line) + "\n" for line in lines)


FORMAT = Format(title="JSON Lines, one finding a line", render=_render)
