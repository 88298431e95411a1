// An identity provider: oidc-provider, in which whoever the test says is signed in at once.
// Its settings come as one JSON object on standard input: {port, clients, keys}. PUT /people, /keys and /clients change them.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

let { port, clients, keys } = JSON.parse(readFileSync(0, 'utf8'));
const issuer = `http://127.0.0.1:${port}`;
let people = {};
let present = null;
let handler = null;

function serve(signing) {
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: signing },
    claims: { openid: ['sub', 'amr', 'acr', 'sid'], email: ['email', 'email_verified'], profile: ['given_name', 'family_name', 'groups'] },
    cookies: { keys: ['a key of the tests'] },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
    // Its own guard lets it reach nothing on loopback, where the tests are.
    fetch: (url, { dispatcher: _guard, ...options }) => fetch(url, options),
    pkce: { required: () => true },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
    loadExistingGrant: async (ctx) => {
      const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  return async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    const { amr, acr } = people[present] ?? {};
    const result = present === null ? { error: 'access_denied' } : { login: { accountId: present, amr, acr } };
    return provider.interactionFinished(request, response, result);
  };
}

handler = serve(keys);
createServer(async (request, response) => {
  if (request.method !== 'PUT') return handler(request, response);
  let body = '';
  for await (const chunk of request) body += chunk;
  const said = JSON.parse(body);
  if (request.url === '/people') ({ people, present } = said);
  if (request.url === '/keys') keys = said;
  if (request.url === '/clients') clients = said;
  if (request.url !== '/people') handler = serve(keys);
  response.writeHead(204).end();
}).listen(port, '127.0.0.1', () => console.log('serving'));
