/** What the tabs of one browser tell each other, and how they take turns. Only pages of the same origin hear it. */

import type { Config } from "./options.js";
import type { Tokens } from "./token-endpoint.js";

const ANSWER_MS = 150;

/** What a tab says: what it got just now, that its person signed out, or an answer to what another asked. */
type Message =
  | { readonly type: "got" | "answer"; readonly tokens: Tokens }
  | { readonly type: "out" }
  | { readonly type: "ask" };

/** What a tab does about what others say. */
export interface Listener {
  /** Returns what this tab has. */
  mine(): Tokens | undefined;
  got(tokens: Tokens): void;
  out(): void;
}

/** The other tabs. */
export interface Tabs {
  tell(message: Message): void;
  /** Returns what the first tab has that answers and whose tokens will do; undefined: none does. */
  ask(willDo: (tokens: Tokens) => boolean): Promise<Tokens | undefined>;
  /** Does something while no other tab does it; waited: another one did it just before. */
  alone<T>(work: (waited: boolean) => Promise<T>): Promise<T>;
}

/** Joins the tabs of a client. The channel opens when it is first used, so that a server can make a client too. */
export function join(config: Config, listener: Listener): Tabs {
  let channel: BroadcastChannel | undefined;
  let answered: (tokens: Tokens) => void = () => {};
  const open = () => {
    if (channel) return channel;
    channel = new BroadcastChannel(config.name);
    channel.onmessage = ({ data }: MessageEvent<Message>) => {
      const mine = data.type === "ask" && listener.mine();
      if (mine) channel?.postMessage({ type: "answer", tokens: mine });
      if (data.type === "answer") answered(data.tokens);
      if (data.type === "got") listener.got(data.tokens);
      if (data.type === "out") listener.out();
    };
    return channel;
  };
  return {
    tell: (message) => open().postMessage(message),
    ask: (willDo) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ANSWER_MS);
        answered = (tokens) => {
          if (!willDo(tokens)) return;
          clearTimeout(timer);
          resolve(tokens);
        };
        open().postMessage({ type: "ask" });
      }),
    async alone(work) {
      const { locks } = navigator;
      if (!locks) return work(false);
      let waited = false;
      // The lock is asked for twice, since only `ifAvailable` tells whether there was anybody to wait for.
      const first = await locks.request(config.name, { ifAvailable: true }, async (lock) => {
        waited = !lock;
        return lock ? { value: await work(false) } : undefined;
      });
      return first ? first.value : locks.request(config.name, () => work(waited));
    },
  };
}
