// Calls a published client as the lines on standard input ask. Unmodified: only its token does not come from a login.
const { createInterface } = require("node:readline");

const [name, uri] = process.argv.slice(2);
const { PhotonClient } = require(name);
const origin = new URL(uri).origin;
const client = new PhotonClient({ domain: origin, clientId: "none", redirectURI: origin, audience: origin, uri });

function methods() {
  return ["clinical", "management"].flatMap((side) =>
    Object.entries(client[side]).flatMap(([noun, methods]) =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(methods))
        .filter((method) => method !== "constructor")
        .map((method) => `${side}.${noun}.${method}`),
    ),
  );
}

async function answer({ method, options, variables }) {
  const [side, noun, act] = method.split(".");
  try {
    const asked = client[side][noun][act](...(options ? [options] : []));
    const { data, errors } = await (variables ? asked({ variables }) : asked);
    return { data, errors: errors ?? [], thrown: null };
  } catch (error) {
    return { data: null, errors: error.graphQLErrors ?? [], thrown: String(error) };
  }
}

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

async function serve() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const token = (await lines.next()).value;
  client.authentication.getAccessToken = async () => token;
  say(methods());
  for await (const line of lines) say(await answer(JSON.parse(line)));
}

serve();
