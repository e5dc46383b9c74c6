"""GraphQL documents that several tests send."""

PROBLEM = "... on Problem { code message path retryable }"
CREATE_ASSET = f"""mutation($input: CreateAssetInput!) {{
  createAsset(input: $input) {{ __typename ... on AssetCreated {{ asset {{ __typename id serialNumber }} }} {PROBLEM} }}
}}"""
UPLOAD = "upload { expiresAt parts { number url sizeBytes sha256 arrived headers { name value } } }"
BEGIN_CAD = f"""mutation($input: BeginCadUploadInput!) {{
  beginCadUpload(input: $input) {{
    __typename ... on CadUploadBegun {{ cadRevision {{ id status }} {UPLOAD} }} {PROBLEM} }}
}}"""
COMPLETE_CAD = f"""mutation($input: CompleteCadUploadInput!) {{
  completeCadUpload(input: $input) {{
    __typename ... on CadUploadCompleted {{ cadRevision {{ id status }} job {{ id kind status }} }}
    ... on PartsMissing {{ missing }} {PROBLEM} }}
}}"""
BEGIN_SCAN = f"""mutation($input: BeginScanUploadInput!) {{
  beginScanUpload(input: $input) {{
    __typename ... on ScanUploadBegun {{ scan {{ id status }} {UPLOAD} }} {PROBLEM} }}
}}"""
COMPLETE_SCAN = f"""mutation($input: CompleteScanUploadInput!) {{
  completeScanUpload(input: $input) {{
    __typename ... on ScanUploadCompleted {{ scan {{ id status operator {{ id }} }} job {{ id kind status }} }}
    ... on PartsMissing {{ missing }} {PROBLEM} }}
}}"""
DECIDE = f"""mutation($input: DecideInspectionInput!) {{
  decideInspection(input: $input) {{
    __typename
    ... on InspectionDecided {{ inspection {{ verdict }} decision {{ id decidedBy verdict reason operator {{ id }} }} }}
    {PROBLEM} }}
}}"""
