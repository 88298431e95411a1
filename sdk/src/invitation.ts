/** Links of invitations, as they lead into an application. */

declare const read: unique symbol;

/** What the link of an invitation says; only `invitation` makes one. */
export interface Invitation {
  readonly [read]: true;
  readonly invitation: string;
  readonly organization?: string;
}

/** Reads an invitation from a page's address, for `login({ invitation })`; null: it is no such link. */
export function invitation(href: string = location.href): Invitation | null {
  const query = new URL(href).searchParams;
  const [named, organization] = [query.get("invitation"), query.get("organization")];
  return named ? ({ invitation: named, ...(organization && { organization }) } as Invitation) : null;
}
