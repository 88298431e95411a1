/** rxauth in tests that run in Node: a sandbox on a port of its own, with any token that a test needs. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Which Python has rxauth, and where the sandbox that is copied is kept: `~/.cache/rxauth` unless you say otherwise. */
export interface SandboxOptions {
  readonly python?: string;
  readonly cache?: string;
}

/** Fewer permissions than the person has; an API of the organization's own. */
export interface TokenOptions {
  readonly scope?: string;
  readonly audience?: string;
}

/** A sandbox that serves. `clientId` and `clientSecret` are of its machine client; `folder` has what it keeps. */
export interface Sandbox {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly folder: string;
  /** An access token of a person: an e-mail address, or a role such as `prescriber`. */
  token(who: string, options?: TokenOptions): Promise<string>;
  /** Ends it, and removes what it kept. */
  stop(): Promise<void>;
}

type Answer = Readonly<Record<string, string>>;

/** Starts a sandbox; it ends with `stop`, or with this process. */
export async function startSandbox({ python = "python3", cache }: SandboxOptions = {}): Promise<Sandbox> {
  const program = spawn(python, ["-m", "rxauth.testing", ...(cache === undefined ? [] : [cache])]);
  let complaint = "";
  program.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const ended = new Promise<void>((resolve) => {
    program.once("error", (error) => {
      complaint += error.message;
      resolve();
    });
    program.once("close", () => resolve());
  });
  program.stdin.on("error", () => {}); // it ended: whoever waits for an answer is told
  const lines = createInterface(program.stdout)[Symbol.asyncIterator]();

  const answer = async (): Promise<Answer> => {
    const line = await lines.next();
    if (line.done) {
      await ended;
      throw new Error(`The sandbox does not run: ${complaint.trim() || "it was stopped"}`);
    }
    return JSON.parse(line.value) as Answer;
  };
  let last: Promise<unknown> = Promise.resolve();
  const ask = (question: object): Promise<Answer> => {
    const asked = last.then(() => {
      program.stdin.write(`${JSON.stringify(question)}\n`);
      return answer();
    });
    last = asked.catch(() => {});
    return asked;
  };

  const { url = "", client_id: clientId = "", client_secret: clientSecret = "", folder = "" } = await answer();
  return {
    url,
    clientId,
    clientSecret,
    folder,
    async token(who, options = {}) {
      const { token, error } = await ask({ who, ...options });
      if (token === undefined) throw new Error(error);
      return token;
    },
    async stop() {
      program.stdin.end();
      await ended;
    },
  };
}
