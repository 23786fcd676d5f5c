// Building, replacing and reusing elements. Data only ever becomes text.

const SVG = 'http://www.w3.org/2000/svg';
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'hidden', 'open', 'indeterminate']);

/**
 * An HTML element. `attributes` may hold listeners (`onclick`), a few live properties (`value`, `checked`, …) and plain
 * attributes; null, undefined and false leave an attribute out. Children are nodes, texts, or lists of both.
 */
export function h(tag, attributes = {}, ...children) {
  return complete(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function s(tag, attributes = {}, ...children) {
  return complete(document.createElementNS(SVG, tag), attributes, children);
}

function complete(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) element[name] = value ?? '';
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

/** Nodes and texts without the gaps that conditions leave. */
function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** Puts other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** The same only when the children differ, so that focus, selections and what was read out stay. They have no listeners. */
export function refill(element, ...children) {
  const next = element.cloneNode();
  next.append(...nodes(children));
  if (!next.isEqualNode(element)) element.replaceChildren(...next.childNodes);
  return element;
}

/** Sets a text only when it differs, so that screen readers and selections are left in peace. */
export function say(element, text) {
  const next = String(text);
  if (element.textContent !== next) element.textContent = next;
  return element;
}

/**
 * Makes the children of `parent` follow `items` while keeping the elements of items that stay: focus, selection and open
 * details survive an update. `make(item)` builds an element with an `update(item)` method of its own.
 */
export class Keyed {
  #parent;
  #key;
  #make;
  #known = new Map();

  constructor(parent, key, make) {
    this.#parent = parent;
    this.#key = key;
    this.#make = make;
  }

  /** Shows exactly these items, in this order. */
  show(items) {
    const wanted = new Map(items.map((item) => [this.#key(item), item]));
    for (const [key, part] of this.#known) {
      if (!wanted.has(key)) {
        part.element.remove();
        this.#known.delete(key);
      }
    }
    const focused = this.#parent.contains(document.activeElement) ? document.activeElement : null;
    let place = this.#parent.firstElementChild;
    for (const [key, item] of wanted) {
      const part = this.#known.get(key) ?? this.#make(item);
      this.#known.set(key, part);
      part.update(item);
      if (part.element === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(part.element, place);
    }
    // An element that has moved loses it.
    if (focused !== document.activeElement) focused?.focus({ preventScroll: true });
  }
}

let ids = 0;

/** An id that no other element has; labels and descriptions point at it. */
export function freshId(word) {
  ids += 1;
  return `${word}-${ids}`;
}
