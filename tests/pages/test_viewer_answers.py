"""The viewer before answers that lack something: what is there is shown, and only without all of it the page stops."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.local.embedded import VIEWER

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")

MODULES = {
    "glb.js": "export const readScene = (body) => body;",
    "renderer.js": "export class NoWebGl extends Error {}",
    "view.js": "export class View { constructor(scene, scan) { globalThis.shown = scan; } refine() {} }",
    "panels.js": """const made = {};
export const byId = (id) => (made[id] ??= { addEventListener() {}, removeAttribute() {}, replaceChildren() {} });
export const element = () => ({});""",
    "page.js": """const [answers] = JSON.parse(process.argv[2]);
globalThis.document = { baseURI: "http://host/viewer/", body: { dataset: {} } };
globalThis.location = { search: "?scan=1" };
globalThis.sessionStorage = { getItem: () => "token", removeItem() {} };
globalThis.fetch = async (url, { body } = {}) => {
  if (!body) return { ok: true, body: new Blob(["glTF"]).stream() };
  const name = /query (\\w+)/.exec(JSON.parse(body).query)[1];
  return { status: 200, json: async () => answers[name] };
};
const { byId } = await import("./panels.js");
await import("./viewer.js");
await new Promise((over) => setTimeout(over, 200));
const { state } = document.body.dataset;
console.log(JSON.stringify({ state, told: byId("message-text").textContent, shown: globalThis.shown ?? null }));""",
}
STATE = {"data": {"scan": {"status": "PROCESSED", "asset": None, "inspection": {"id": "2"}}}}
SCENE = {"kind": "SCENE", "sizeBytes": "4", "url": "http://store/scene.glb"}
INSPECTION = {"verdict": "PASS", "deviationMap": {"products": [SCENE]}}
FAULT = {"message": "Tenancy does not answer.", "extensions": {"code": "SUBGRAPH_UNAVAILABLE"}}


def seen(folder: Path, scan: dict[str, Any], state: dict[str, Any] = STATE) -> dict[str, Any]:
    for name in ("viewer.js", "graph.js"):
        shutil.copy(VIEWER / name, folder)
    for name, text in {**MODULES, "package.json": '{"type": "module"}'}.items():
        (folder / name).write_text(text)
    answers = json.dumps([{"ViewerScanState": state, "ViewerScan": scan}])
    done = subprocess.run(
        ["node", str(folder / "page.js"), answers], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


def test_a_part_that_another_subgraph_does_not_answer_is_left_out(tmp_path: Path) -> None:
    scan = {"operator": None, "inspection": INSPECTION}
    page = seen(tmp_path, {"data": {"scan": scan}, "errors": [{**FAULT, "path": ["scan", "operator"]}]})
    assert (page["state"], page["shown"]) == ("shown", scan)


@pytest.mark.parametrize("data", [None, {"scan": None}])
def test_without_the_scan_the_page_says_why(tmp_path: Path, data: dict[str, Any] | None) -> None:
    page = seen(tmp_path, {"data": data, "errors": [FAULT]})
    assert (page["state"], page["told"], page["shown"]) == ("message", FAULT["message"], None)


@pytest.mark.parametrize("inspection", [None, {"verdict": "PASS", "deviationMap": None}])
def test_without_its_figures_the_page_says_so(tmp_path: Path, inspection: dict[str, Any] | None) -> None:
    page = seen(tmp_path, {"data": {"scan": {"inspection": inspection}}, "errors": [FAULT]})
    assert (page["state"], page["told"]) == ("message", "The figures of this inspection did not come.")


def test_a_state_without_the_asset_is_a_state(tmp_path: Path) -> None:
    page = seen(tmp_path, {"data": {"scan": {"inspection": INSPECTION}}}, {**STATE, "errors": [FAULT]})
    assert page["state"] == "shown"
