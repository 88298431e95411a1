/** Where a redirect comes back to: what was remembered when the page was left, and the answer in its address. */

import type { Answer, Asked } from "./authorization.js";
import type { Config } from "./options.js";

/** What is remembered in this tab while the person is away. */
export interface Away {
  readonly asked?: Asked;
  readonly appState?: unknown;
}

/** Leads the page elsewhere; what waits for it never goes on. away: what comes back with the answer. */
export function leave(config: Config, url: string, away?: Away): Promise<never> {
  if (away) sessionStorage.setItem(config.name, JSON.stringify(away));
  location.assign(url);
  return new Promise<never>(() => {});
}

/** Takes the answer out of the page's address, once; null: it has none. */
export function landed(config: Config): (Away & { readonly answer: Answer }) | null {
  const url = new URL(location.href);
  const query = url.searchParams;
  if (!query.has("state") || !(query.has("code") || query.has("error"))) return null;
  const answer: Answer = Object.fromEntries(query);
  for (const name of ["code", "state", "iss", "error", "error_description"]) query.delete(name);
  history.replaceState(history.state, "", url);
  const away = JSON.parse(sessionStorage.getItem(config.name) ?? "{}") as Away;
  sessionStorage.removeItem(config.name);
  return { ...away, answer };
}
