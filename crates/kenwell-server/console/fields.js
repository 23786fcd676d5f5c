// Fields of forms: label, hint, control, and the error that belongs to it.
import { fill, freshId, h } from './dom.js';

/** One labelled control. `control` is an input, select or textarea; `hint` stands under the label. */
export class Field {
  #error;
  #hintId;

  constructor(name, label, control, { hint, beside } = {}) {
    this.name = name;
    this.control = control;
    this.#hintId = hint ? freshId('hint') : null;
    control.id = freshId(name);
    control.setAttribute('name', name);
    this.#error = h('p', { class: 'error', id: freshId('error'), hidden: true });
    const title = h('label', { for: control.id }, label);
    const help = hint ? h('p', { class: 'hint', id: this.#hintId }, hint) : null;
    this.element = control.type === 'checkbox'
      ? h('div', { class: 'field check' }, h('div', { class: 'line' }, control, title), help, this.#error)
      : h('div', { class: 'field' }, title, help, h('div', { class: 'line' }, control, beside ?? null), this.#error);
    this.#describe();
    control.addEventListener('input', () => this.clear());
  }

  get value() {
    return this.control.type === 'checkbox' ? this.control.checked : this.control.value;
  }

  set value(value) {
    if (this.control.type === 'checkbox') this.control.checked = value;
    else if (this.control.localName === 'select') choose(this.control, value);
    else this.control.value = value;
  }

  /** Shows or hides the whole field; a hidden field keeps its value. */
  set hidden(isHidden) {
    this.element.hidden = isHidden;
  }

  get hidden() {
    return this.element.hidden;
  }

  /** Marks the field as wrong, with the sentence that says why. */
  fail(...message) {
    fill(this.#error, ...message).hidden = false;
    this.control.setAttribute('aria-invalid', 'true');
    this.#describe(this.#error.id);
  }

  clear() {
    this.#error.hidden = true;
    this.control.removeAttribute('aria-invalid');
    this.#describe();
  }

  #describe(more) {
    const ids = [this.#hintId, more].filter(Boolean).join(' ');
    if (ids) this.control.setAttribute('aria-describedby', ids);
    else this.control.removeAttribute('aria-describedby');
  }
}

/** A field for one line of text. */
export function text(name, label, { value = '', type = 'text', hint, beside, ...attributes } = {}) {
  const control = h('input', { type, value, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none', ...attributes });
  return new Field(name, label, control, { hint, beside });
}

/** A field for several lines. */
export function area(name, label, { value = '', hint, beside, rows = 4, ...attributes } = {}) {
  const control = h('textarea', { value, rows, autocomplete: 'off', spellcheck: 'false', ...attributes });
  return new Field(name, label, control, { hint, beside });
}

/** A box to tick. */
export function check(name, label, { checked = false, hint, onchange } = {}) {
  const control = h('input', { type: 'checkbox', checked });
  if (onchange) control.addEventListener('change', onchange);
  return new Field(name, label, control, { hint });
}

/** A choice of one; `options` are `[value, label]`. */
export function choice(name, label, options, { value, hint, onchange } = {}) {
  const control = h('select', {}, options.map(([key, title]) => h('option', { value: key }, title)));
  if (value !== undefined) choose(control, value);
  if (onchange) control.addEventListener('change', onchange);
  return new Field(name, label, control, { hint });
}

/** Chooses this one of a choice, or the first one where it is not there any more. */
function choose(control, value) {
  control.value = value;
  if (control.selectedIndex < 0) control.selectedIndex = 0;
}

/** Fields that belong together; `summary` hides them until asked for, and an error in one opens it. */
export class Group {
  constructor(fields, { summary, kind = 'form-part' } = {}) {
    this.fields = fields;
    const inner = h('div', { class: kind }, fields.map((field) => field.element));
    this.element = summary ? h('details', { class: 'quiet group' }, h('summary', {}, summary), inner) : inner;
  }
}

/** A group of boxes to tick, of which any number may be ticked; `options` are `[value, label]`. */
export class Choices {
  #boxes = [];

  constructor(legend, options, { chosen = [], hint } = {}) {
    for (const [value, label] of options) {
      const control = h('input', { type: 'checkbox', value, checked: chosen.includes(value) });
      this.#boxes.push({ control, element: h('label', { class: 'line' }, control, h('span', {}, label)) });
    }
    this.element = h('fieldset', { class: 'field choices' }, h('legend', {}, legend),
      hint ? h('p', { class: 'hint' }, hint) : null, this.#boxes.map((box) => box.element));
  }

  get value() {
    return this.#boxes.filter((box) => box.control.checked).map((box) => box.control.value);
  }
}
