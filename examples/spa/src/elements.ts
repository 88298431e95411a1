/** Elements, made of values: text stays text, whatever is in it. */

type Child = Node | string | null | undefined;

/** Makes an element; what begins with `on` is a handler. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]>,
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((one): one is Node | string => one !== null && one !== undefined));
  return made;
}

/** Returns the one element of the page that fits a selector. */
export function place(selector: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
}

let fields = 0;

/** Makes a labelled field of a form. The label stands beside the control: around it, it would be named by its options. */
export function field(label: string, control: HTMLElement): HTMLElement {
  fields += 1;
  control.id = `field-${fields}`;
  return element("div", { className: "field" }, element("label", { htmlFor: control.id }, label), control);
}
