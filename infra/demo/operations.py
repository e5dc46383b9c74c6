"""What the demo and `inspect` say to the graph. The documents that people read are in `documents/`."""

from pathlib import Path

DOCUMENTS = Path(__file__).parent / "documents"
BAD_BATCH = (DOCUMENTS / "020-bad-batch.graphql").read_text()
WATCH_ASSET = (DOCUMENTS / "040-watch-an-asset.graphql").read_text()
VERIFY = (DOCUMENTS / "060-verify-the-audit-log.graphql").read_text()
SIGN_IN = (DOCUMENTS / "010-sign-in.graphql").read_text()

CREATE_ASSET = """
mutation CreateAsset($input: CreateAssetInput!) {
  createAsset(input: $input) {
    __typename
    ... on AssetCreated { asset { id } }
    ... on Problem { code message retryable }
  }
}
"""

ASSET_BY_SERIAL = """
query AssetBySerial($serial: String!) {
  assets(filter: {kinds: [PART], serialNumbers: [$serial]}, first: 1) { nodes { id } }
}
"""

_UPLOAD = "upload { parts { number url headers { name value } arrived } }"

BEGIN_CAD = f"""
mutation BeginCad($input: BeginCadUploadInput!) {{
  beginCadUpload(input: $input) {{
    __typename
    ... on CadUploadBegun {{ cadRevision {{ id }} {_UPLOAD} }}
    ... on Problem {{ code message retryable }}
  }}
}}
"""

COMPLETE_CAD = """
mutation CompleteCad($input: CompleteCadUploadInput!) {
  completeCadUpload(input: $input) {
    __typename
    ... on CadUploadCompleted { job { id } }
    ... on Problem { code message retryable }
  }
}
"""

BEGIN_SCAN = f"""
mutation BeginScan($input: BeginScanUploadInput!) {{
  beginScanUpload(input: $input) {{
    __typename
    ... on ScanUploadBegun {{ scan {{ id }} {_UPLOAD} }}
    ... on Problem {{ code message retryable }}
  }}
}}
"""

COMPLETE_SCAN = """
mutation CompleteScan($input: CompleteScanUploadInput!) {
  completeScanUpload(input: $input) {
    __typename
    ... on ScanUploadCompleted { job { id } }
    ... on Problem { code message retryable }
  }
}
"""

JOB_PROGRESS = """
subscription JobProgress($jobId: ID!) {
  jobProgress(jobId: $jobId) {
    cursor
    job { status attempts progress { stage done total unit } error { code message remedy } }
  }
}
"""

CAD_REVISION = """
query CadRevision($id: ID!) {
  cadRevision(id: $id) {
    status
    warnings
    problem { code message remedy }
    mesh { triangles watertight minimumMm maximumMm }
  }
}
"""

SCAN = """
query Scan($id: ID!) {
  scan(id: $id) {
    status
    points
    problem { code message remedy }
    inspection {
      verdict
      conformity { zone guardBandMm }
      alignment {
        method fitness rmsMm ambiguous unconstrained
        report {
          converged cornerUncertaintyMm fittedMotions lockedDegrees
          alternatives { angleDegrees }
          datums { label points sigmaMm sizeDeviationMm heldDegrees }
          referencePoints { name residualMm uncertaintyMm }
        }
      }
      decision { reason recordHash operator { name } }
      deviationMap {
        points meanMm sigmaMm rmsMm p95Mm percentInTolerance profileLowerMm profileUpperMm uncertaintyMm
        worstPoints(first: 3) { positionMm deviationMm }
        heatMapUrl histogramUrl reportUrl
        strays robustSigmaMm p025Mm p975Mm effectivePoints
        regions(first: 50) {
          nodes { face shape areaMm2 coverage verdict figures { profileLowerMm profileUpperMm } form formMm positionMm }
        }
        products { kind url }
      }
    }
  }
}
"""

COMPARE_SCANS = """
mutation CompareScans($input: CompareScansInput!) {
  compareScans(input: $input) {
    __typename
    ... on ScanComparisonBegun { comparison { id job { id } } }
    ... on Problem { code message retryable }
  }
}
"""

SCAN_COMPARISON = """
query ScanComparison($id: ID!) {
  scanComparison(id: $id) {
    radiusMm
    depthMm
    problem { code message remedy }
    changes {
      registrationErrorMm corePoints comparedPoints significantPoints meanMm sigmaMm p025Mm p975Mm detectableMm
      places(first: 5) { positionMm distanceMm detectableMm }
      sceneUrl
      changesUrl
    }
  }
}
"""

TWIN_HEADS = """
query TwinHeads {
  assets(first: 50) { nodes { serialNumber twin { head { contentHash scan { id } } } } }
}
"""

FOREIGN = """
query Foreign($assetId: ID!, $scanId: ID!) {
  asset(id: $assetId) { serialNumber }
  scan(id: $scanId) { status }
  inspections(first: 5) { nodes { verdict } }
}
"""
