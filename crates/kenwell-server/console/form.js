// A form: its fields, where its error goes, and doing one thing at a time.
import { h } from './dom.js';
import { busy } from './controls.js';
import { Notice, prose } from './notice.js';
import { watchUnsaved } from './unsaved.js';

/** A form over fields. `send(values)` is called with what stands in them; what it throws is shown at the right field. */
export class Form {
  #fields;
  #notice = new Notice();
  #button;
  #saved;

  /**
   * `layout`: the form's content in order; fields in it are found by themselves. With `unsaved`, the page's signal, leaving
   * the page asks first while something stands here that is not saved.
   */
  constructor(layout, button, send, { label, after = [], unsaved } = {}) {
    const parts = layout.flat();
    this.#fields = parts.flatMap((part) => part?.fields ?? [part]).filter((part) => part?.control);
    this.#button = button;
    this.element = h('form', { class: 'form', novalidate: true, 'aria-label': label, onsubmit: (event) => {
      event.preventDefault();
      this.run(send);
    } }, parts.map((part) => part?.element ?? part), this.#notice.element,
    h('div', { class: 'actions' }, button, after));
    this.settle();
    if (unsaved) watchUnsaved(unsaved, () => this.element.isConnected && this.isChanged);
  }

  /** What stands here now is saved, or what stood here when `print` was taken. */
  settle(print = this.print()) {
    this.#saved = print;
  }

  /** Whether something stands here that is not saved. */
  get isChanged() {
    return this.print() !== this.#saved;
  }

  /** What stands here, to be compared. */
  print() {
    const controls = [...this.element.elements].filter((control) => control.type !== 'file');
    return JSON.stringify(controls.map((control) => (control.type === 'checkbox' ? control.checked : control.value)));
  }

  /** What stands in the fields, by name. */
  get values() {
    return Object.fromEntries(this.#fields.map((field) => [field.name, field.value]));
  }

  /** Does something with the values, from any of the form's buttons. */
  run(task, button = this.#button) {
    return busy(button, () => {
      this.clear();
      return task(this.values);
    }, (error) => this.fail(error));
  }

  clear() {
    this.#notice.clear();
    for (const field of this.#fields) field.clear();
  }

  /** An error at the field that it names, or else below the form. */
  fail(error) {
    const field = fieldOf(this.#fields, error.setting);
    if (!field || field.hidden) {
      this.#notice.fail(error);
      return;
    }
    field.fail(...prose(error.message));
    field.control.closest('details')?.setAttribute('open', '');
    field.control.focus();
  }

  say(kind, ...children) {
    this.#notice.show(kind, ...children);
  }
}

/** A setting may be named with its place in the file, such as `destinations.profiles.address`. */
function fieldOf(fields, setting) {
  const name = setting?.split('.').at(-1);
  return fields.find((field) => field.name === name);
}
