// What the page asks the graph, and how it fetches what signed links lead to. The token is kept in this tab only.

const URL_OF_GRAPH = new URL("../graphql", document.baseURI).href;
const KEPT = "token";

export class Refused extends Error {
  constructor(code, message, remedy = "") {
    super(message);
    Object.assign(this, { code, remedy });
  }
}

export const isSignedIn = () => Boolean(sessionStorage.getItem(KEPT));
export const signOut = () => sessionStorage.removeItem(KEPT);

export async function signIn(workspaceSlug, email, password) {
  const { signIn: answer } = await ask(SIGN_IN, { input: { workspaceSlug, email, password } });
  if (!answer.token) throw new Refused(answer.code, answer.message);
  sessionStorage.setItem(KEPT, answer.token);
}

export async function ask(query, variables) {
  const token = sessionStorage.getItem(KEPT);
  const response = await fetch(URL_OF_GRAPH, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/graphql-response+json, application/json;q=0.9",
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify({ query, variables }),
  }).catch(() => {
    throw new Refused("NO_ANSWER", "The platform does not answer.", "Is it running, and is this device connected?");
  });
  const answer = await response.json().catch(() => ({}));
  // What is missing beside an answer is left out of the page; only without any answer does it stop.
  if (answer.data && Object.values(answer.data).some((root) => root !== null)) return answer.data;
  const error = answer.errors?.[0];
  if (error) throw new Refused(error.extensions?.code ?? "", error.message);
  if (!answer.data) throw new Refused("NO_ANSWER", `The platform answered with HTTP ${response.status}.`);
  return answer.data;
}

// The whole body, with `tell(share)` as it comes.
export async function download(url, sizeBytes, tell) {
  const response = await fetch(url, { referrerPolicy: "no-referrer" }).catch(() => null);
  if (!response?.ok) {
    throw new Refused("NO_FILE", "The file of this inspection could not be fetched.", "Reload the page: a link holds for 15 minutes.");
  }
  const whole = new Uint8Array(sizeBytes);
  const reader = response.body.getReader();
  for (let at = 0; ; ) {
    const { done, value } = await reader.read();
    if (done && at === sizeBytes) return whole.buffer;
    if (done || at + value.length > sizeBytes) throw new Refused("NO_FILE", "The file of this inspection came damaged.", "Reload the page.");
    whole.set(value, at);
    at += value.length;
    tell(at / sizeBytes);
  }
}

const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { ... on SignedIn { token } ... on Problem { code message } }
}`;

export const INSPECTIONS = `query ViewerInspections {
  inspections(first: 20) { nodes { verdict createdAt scan { id } asset { name serialNumber } } }
}`;

export const SCAN_OF_INSPECTION = `query ViewerInspection($id: ID!) { inspection(id: $id) { scan { id } } }`;

export const SCAN_STATE = `query ViewerScanState($id: ID!) {
  scan(id: $id) {
    status
    asset { name serialNumber }
    problem { code message remedy }
    job { status progress { stage done total unit } error { code message remedy } }
    inspection { id }
  }
}`;

export const SCAN = `query ViewerScan($id: ID!) {
  scan(id: $id) {
    asset { name serialNumber }
    cadRevision { name }
    operator { name }
    inspection {
      verdict createdAt
      tolerance { lowerMm upperMm }
      decision { reason }
      conformity { zone guardBandMm }
      deviationMap {
        points strays meanMm sigmaMm rmsMm robustSigmaMm p025Mm p975Mm minimumMm maximumMm percentInTolerance
        profileLowerMm profileUpperMm uncertaintyMm
        histogram { edgesMm counts }
        worstPoints(first: 8) { rank positionMm deviationMm }
        regions(first: 100) {
          nodes { face shape coverage middleMm verdict formMm figures { profileLowerMm profileUpperMm } }
          pageInfo { hasNextPage }
        }
        products { kind sizeBytes url }
      }
    }
  }
}`;
