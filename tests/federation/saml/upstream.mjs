// A SAML identity provider for tests: samlp decides and signs; this file says who is signed in there.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import express from "express";
import samlp from "samlp";

const settings = JSON.parse(readFileSync(0, "utf8"));
const base = `http://127.0.0.1:${settings.port}`;
const participants = [];
const states = new Map();
let present = null;
let options = {};

const store = {
  save: (_req, state, done) => {
    const name = `state${states.size}`;
    states.set(name, state);
    done(null, name);
  },
  load: (_req, name, _options, done) => done(null, states.get(name)),
  update: (_req, name, state, done) => {
    states.set(name, state);
    done(null);
  },
};
const sessionParticipants = {
  hasElements: () => participants.length > 0,
  getFirst: (done) => done(null, participants[0]),
  get: (issuer, indexes, nameId, done) =>
    done(null, participants.find((one) => one.serviceProviderId === issuer && one.nameId === nameId)),
  remove: (issuer, index, nameId, done) => {
    const at = participants.findIndex((one) => one.serviceProviderId === issuer && one.nameId === nameId);
    done(null, at < 0 ? undefined : participants.splice(at, 1)[0]);
  },
};

function mapper(person) {
  return {
    getClaims: () => person.attributes,
    getNameIdentifier: () => ({ nameIdentifier: person.name, nameIdentifierFormat: person.format }),
  };
}

function answering(more) {
  return (req, res, next) => {
    if (present === null) {
      const error = { code: "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed", description: "no" };
      const RelayState = req.query.RelayState;
      const getPostURL = (_req, done) => done(null, settings.acs);
      return samlp.sendError({ ...settings.idp, RelayState, getPostURL, error, destination: settings.acs })(req, res, next);
    }
    participants.push({
      serviceProviderId: settings.audience,
      nameId: present.name,
      nameIdFormat: present.format,
      sessionIndex: "session-1",
      serviceProviderLogoutURL: settings.slo,
      cert: settings.spCertificate,
      binding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
    });
    return samlp.auth({
      ...settings.idp,
      audience: settings.audience,
      recipient: settings.acs,
      destination: settings.acs,
      getPostURL: (_audience, _request, _req, done) => done(null, settings.acs),
      getUserFromRequest: () => present,
      profileMapper: mapper,
      sessionIndex: "session-1",
      authnContextClassRef: "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
      signingCert: settings.spCertificate,
      encryptionCert: settings.encrypts ? settings.spCertificate : undefined,
      encryptionPublicKey: settings.encrypts ? settings.spPublicKey : undefined,
      ...options,
      ...more,
    })(req, res, next);
  };
}

const logout = () =>
  samlp.logout({
    ...settings.idp,
    deflate: true,
    protocolBinding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
    destination: settings.slo,
    sessionParticipants,
    store,
  });

const app = express();
app.put("/people", express.json(), (req, res) => {
  participants.length = 0;
  present = req.body.present;
  options = req.body.options ?? {};
  Object.assign(settings, req.body.settings ?? {});
  res.sendStatus(204);
});
app.use(express.urlencoded({ extended: false }));
app.get("/sso", answering({}));
app.post("/sso", answering({}));
app.get("/tile", answering({ signingCert: undefined }));
app.get("/logout", (req, res, next) => {
  req.body = {};
  logout()(req, res, next);
});
app.get("/metadata", samlp.metadata({ ...settings.idp, redirectEndpointPath: "/sso", postEndpointPath: "/sso", logoutEndpointPaths: { redirect: "/logout" } }));
app.use((error, _req, res, _next) => res.status(400).send(String(error)));
createServer(app).listen(settings.port, "127.0.0.1", () => console.log("serving", base));
