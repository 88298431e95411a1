// The peer: oidc-provider, configured for the tokens that rxauth issues (RFC 9068, the same audience and scopes).
// Its settings come as one JSON object on standard input:
// {port, issuer, audience, scope, clientId, clientSecret, app, callback}.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { json } from 'node:stream/consumers';
import Provider from 'oidc-provider';
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';

const { port, issuer, audience, scope, clientId, clientSecret, app, callback } = JSON.parse(readFileSync(0, 'utf8'));
const PEOPLES_SCOPE = 'openid profile email offline_access';
const API = `${audience}/RS256`;
const jwk = (type, options, alg) => {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg };
};
const store = new Map(); // its own has a thousand entries, less than there are codes

const provider = new Provider(issuer, {
  adapter: (model) => new MemoryAdapter(model, store),
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope,
    },
    {
      client_id: app,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [callback],
      response_types: ['code'],
      scope: `${PEOPLES_SCOPE} ${scope}`,
    },
  ],
  scopes: [...PEOPLES_SCOPE.split(' '), ...scope.split(' ')],
  jwks: { keys: [jwk('rsa', { modulusLength: 2048 }, 'RS256'), jwk('ec', { namedCurve: 'P-256' }, 'ES256')] },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => API,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => {
        const alg = resource.slice(resource.lastIndexOf('/') + 1);
        const isOpaque = alg === 'opaque';
        return {
          audience,
          scope,
          accessTokenTTL: 86400,
          accessTokenFormat: isOpaque ? 'opaque' : 'jwt',
          ...(isOpaque ? {} : { jwt: { sign: { alg } } }),
        };
      },
    },
  },
});

// What a browser would bring back from signing in, for each PKCE challenge.
async function makeCodes(challenges) {
  const client = await provider.Client.find(app);
  return Promise.all(challenges.map(async (codeChallenge, number) => {
    const accountId = `person-${number % 200}`;
    const grant = new provider.Grant({ accountId, clientId: app });
    grant.addOIDCScope(PEOPLES_SCOPE);
    grant.addResourceScope(API, scope);
    const code = new provider.AuthorizationCode({
      accountId,
      client,
      grantId: await grant.save(),
      authTime: Math.floor(Date.now() / 1000),
      codeChallenge,
      codeChallengeMethod: 'S256',
      nonce: 'nonce',
      redirectUri: callback,
      resource: API,
      scope: `${PEOPLES_SCOPE} ${scope}`,
    });
    return code.save();
  }));
}

const answer = provider.callback();
createServer(async (request, response) => {
  if (request.url !== '/made/codes') return answer(request, response);
  response.end(JSON.stringify(await makeCodes(await json(request))));
}).listen(port, '127.0.0.1');
