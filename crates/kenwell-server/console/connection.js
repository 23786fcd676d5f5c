// The settings with which a Redis is reached, as fields. Which there are, the API says.
import { ApiError, get } from './api.js';
import { fill, h } from './dom.js';
import { area, check, choice, Group, text } from './fields.js';
import { box } from './notice.js';

const KINDS = [['standalone', 'One Redis (or Valkey)'], ['cluster', 'Redis Cluster'], ['sentinel', 'Redis behind Sentinels']];
const ADDRESS_HINTS = {
  standalone: 'host:port, such as redis.internal:6379. A Unix socket only where the file allows it.',
  cluster: 'Two or three nodes, with commas between them: they name the others.',
  sentinel: 'The Sentinels, with commas between them, such as a:26379, b:26379.',
};
const TITLES = { sign_in: 'Sign in', keys: 'Keys', profiles: 'Profiles', encryption: 'Encryption', timeouts: 'Time limits' };
/** What stands first and last in its group; everything else is in the order of the API. */
const ORDER = { cluster_mode: -1, skip_verify: 1 };
const FILE_BYTES = 262_144;
const ORIGINS = { environment: 'an environment variable', secret_file: 'a file of its own' };
/** What a setting is when nobody has said anything. */
const EMPTY = { flag: false, number: 0, map: {}, list: [] };

/** What the API says of each setting. */
export async function connectionSettings(signal) {
  return (await get('/destination-fields', { signal })).fields;
}

/** The fields for `settings`; `before` is the destination that is edited, or null for a new one. */
export class Connection {
  #settings;
  #before;
  /** The fields, and the boxes that remove a secret, by the setting's name. */
  #fields = {};
  #removals = {};
  #groups = new Map();
  #addressHint = h('span');
  #warning = { element: box('warn', h('p', {}, h('strong', {}, 'Anybody on the way can read and change what is sent'),
    ', and pretend to be your Redis. For trying things only; with a CA certificate the check works with private certificates too.')) };

  constructor(settings, before = null) {
    this.#settings = settings;
    this.#before = before;
    for (const setting of settings) {
      this.#fields[setting.name] = this.#fieldFor(setting);
      if (setting.secret && this.#isSet(setting)) {
        const name = `remove_${setting.name}`;
        this.#removals[setting.name] = check(name, `Remove: ${setting.label.toLowerCase()}`);
      }
      this.#groups.set(setting.group, [...this.#groups.get(setting.group) ?? [], setting]);
    }
    for (const group of this.#groups.values()) group.sort((a, b) => (ORDER[a.name] ?? 0) - (ORDER[b.name] ?? 0));
    this.client = new Group(this.#fieldsOf('client_certificate'), { summary: 'A certificate of our own, for a Redis that asks for one' });
    this.client.element.open = Boolean(before?.client_certificate);
    this.#adapt();
  }

  /** All parts in the order in which they are shown. */
  get layout() {
    return [...this.#groups.keys()].flatMap((group) => {
      if (group === 'client_certificate') return [this.client];
      const title = TITLES[group] ? [{ element: h('h3', {}, TITLES[group]) }] : [];
      return [...title, ...this.#fieldsOf(group), ...(group === 'encryption' ? [this.#warning] : [])];
    });
  }

  /** What a new destination or a test needs: nothing that says what is so anyway, so that the file stays short. */
  get given() {
    const plain = this.#plain.filter(([setting, value]) => !isSame(value, usual(setting)));
    return { ...byName(plain), ...this.#secrets };
  }

  /** Only what differs from the destination that is edited; what was emptied is null. */
  get changes() {
    const changed = this.#plain.filter(([setting, value]) => !isSame(value, this.#before[setting.name] ?? usual(setting)));
    const nulled = changed.map(([setting, value]) => [setting, isSame(value, '') || isSame(value, {}) ? null : value]);
    return { ...byName(nulled), ...this.#secrets };
  }

  /** From now on `changes` are those of this one. */
  rebase(destination) {
    this.#before = destination;
  }

  /** Calls `task` whenever something in the fields becomes another. */
  onInput(task) {
    for (const { control } of [...Object.values(this.#fields), ...Object.values(this.#removals)]) control.addEventListener('input', task);
  }

  /** The kind of this setting, when there is a field into which a value can be put; undefined otherwise. */
  kindFor(name) {
    const setting = this.#settings.find((one) => one.name === name && !one.secret && one.kind !== 'list');
    return setting?.kind;
  }

  /** Puts a value, as the file would have it, into its field, and shows it; gives back what puts the one from before there again. */
  put(name, text) {
    const isBox = this.#fields[name].control.type === 'checkbox';
    const plain = text.replace(/^"(.*)"$/, '$1');
    return this.#show(name, name === 'cluster_mode' ? (plain === 'true' ? 'cluster' : 'standalone') : isBox ? plain === 'true' : plain);
  }

  /** Puts a pair into the field of a map, in place of the one with this left side; gives back the same as `put`. */
  putPair(name, left, right) {
    const others = linesOf(this.#fields[name].value).filter((line) => line.split('=')[0].trim() !== left);
    const undo = this.#show(name, [...others, `${left} = ${right}`].join('\n'));
    // The right side is a guess, ready to be typed over.
    const { control } = this.#fields[name];
    control.setSelectionRange(control.value.length - right.length, control.value.length);
    return undo;
  }

  /** The host of the first address that stands in the form. */
  get host() {
    const [first] = this.#fields.address.value.split(',');
    return first.trim().replace(/:\d+$/, '');
  }

  #show(name, next) {
    const { control } = this.#fields[name];
    const property = control.type === 'checkbox' ? 'checked' : 'value';
    const before = control[property];
    const show = (value) => {
      control[property] = value;
      for (const event of ['input', 'change']) control.dispatchEvent(new Event(event, { bubbles: true }));
      control.closest('details')?.setAttribute('open', '');
      control.focus();
    };
    show(next);
    return () => show(before);
  }

  get #kind() {
    return this.#fields.cluster_mode.value;
  }

  #isSet(setting) {
    return Boolean(this.#before?.[`has_${setting.name}`]);
  }

  #fieldsOf(group) {
    const settings = this.#groups.get(group) ?? [];
    return settings.flatMap(({ name }) => [this.#fields[name], this.#removals[name]]).filter(Boolean);
  }

  #fieldFor(setting) {
    const { name, kind, label, hint } = setting;
    const value = this.#before?.[name];
    const onchange = () => this.#adapt();
    if (name === 'cluster_mode') return choice(name, 'Kind', KINDS, { value: kindOf(this.#before ?? {}), onchange });
    if (name === 'address') return text(name, label, { value: value ?? '', hint: this.#addressHint, required: true, placeholder: '127.0.0.1:6379' });
    if (setting.secret) return secret(setting, this.#isSet(setting), this.#before?.[`${name}_from`]);
    if (kind === 'flag') return check(name, label, { checked: value ?? usual(setting), hint, onchange });
    if (kind === 'choice') return choice(name, label, setting.options.map((option) => [option, option]), { value: value ?? usual(setting), hint });
    if (kind === 'pem') return pem(setting, { value: value ?? '', hint, placeholder: '-----BEGIN CERTIFICATE-----' });
    if (kind === 'number') return text(name, label, { value: String(value ?? usual(setting)), inputmode: 'numeric', hint });
    if (kind === 'map') return area(name, label, { value: Object.entries(value ?? {}).map((pair) => pair.join(' = ')).join('\n'), hint, rows: 2 });
    if (kind === 'list') return area(name, label, { value: (value ?? []).join('\n'), hint, rows: 2 });
    return text(name, label, { value: value ?? '', hint });
  }

  /** Shows what belongs to the chosen kind. */
  #adapt() {
    fill(this.#addressHint, ADDRESS_HINTS[this.#kind]);
    for (const setting of this.#settings) {
      for (const part of [this.#fields[setting.name], this.#removals[setting.name]]) {
        if (part) part.hidden = !this.#applies(setting);
      }
    }
    this.client.element.hidden = !this.#fields.secure.value;
    this.#warning.element.hidden = !(this.#fields.secure.value && this.#fields.skip_verify.value);
  }

  #applies({ needs }) {
    if (needs === 'sentinels') return this.#kind === 'sentinel';
    if (needs === 'several_servers') return this.#kind !== 'standalone';
    return needs === 'tls' ? this.#fields.secure.value : true;
  }

  /** Everything that is no secret; what does not belong to the chosen kind is as if nobody had set it. */
  get #plain() {
    const plain = this.#settings.filter((setting) => !setting.secret);
    return plain.map((setting) => [setting, this.#applies(setting) ? this.#valueOf(setting) : usual(setting)]);
  }

  #valueOf(setting) {
    const { value } = this.#fields[setting.name];
    if (setting.name === 'cluster_mode') return value === 'cluster';
    if (setting.kind === 'number') return numberOf(setting, value.trim());
    if (setting.kind === 'map') return Object.fromEntries(linesOf(value).map((line) => pairOf(setting, line)));
    if (setting.kind === 'list') return linesOf(value);
    return ['addresses', 'duration'].includes(setting.kind) ? value.trim() : value;
  }

  /** A typed secret is sent, a removed one is null, and any other stays as it is. */
  get #secrets() {
    const sent = this.#settings.filter((setting) => setting.secret).map((setting) => {
      const { value } = this.#fields[setting.name];
      const applies = this.#applies(setting);
      if (this.#removals[setting.name]?.value || (!applies && this.#isSet(setting))) return [setting, null];
      return value && applies ? [setting, value] : null;
    });
    return byName(sent.filter(Boolean));
  }
}

const byName = (entries) => Object.fromEntries(entries.map(([setting, value]) => [setting.name, value]));
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const linesOf = (value) => value.split('\n').map((line) => line.trim()).filter(Boolean);

/** What holds when a field is left alone; an empty text stands for the default of its setting. */
function usual({ kind, default: preset }) {
  return ['flag', 'number', 'choice'].includes(kind) ? preset ?? EMPTY[kind] ?? '' : EMPTY[kind] ?? '';
}

function kindOf(destination) {
  if (destination.cluster_mode) return 'cluster';
  return destination.sentinel_master ? 'sentinel' : 'standalone';
}

function numberOf({ name, label }, value) {
  if (/^\d+$/.test(value)) return Number(value);
  throw new ApiError(422, { setting: name, message: `"${value}" is no number for the field ${label}. Write a whole number, such as 0.` });
}

function pairOf({ name }, line) {
  const pair = line.split('=').map((part) => part.trim());
  if (pair.length === 2 && pair.every(Boolean)) return pair;
  throw new ApiError(422, { setting: name, message: `"${line}" has no two sides. Write one pair on each line, as in a = b.` });
}

/** A password or key: never shown, kept when nothing is typed, and removed by a box of its own. */
function secret(setting, isSet, from) {
  const { name, label, hint } = setting;
  const placeholder = isSet ? 'unchanged' : '';
  if (setting.kind === 'pem') {
    return pem(setting, isSet ? { placeholder, hint: 'One is set and stays unless you give another; it is never shown.' }
      : { placeholder: '-----BEGIN PRIVATE KEY-----', hint });
  }
  const stays = 'One is set and stays unless you type another. For another address it must be typed again.';
  const origin = ORIGINS[from] ? `It comes from ${ORIGINS[from]}; what you type here replaces that.` : null;
  return text(name, label, { type: 'password', autocomplete: 'new-password', placeholder, hint: origin ?? (isSet ? stays : hint || 'Empty for none.') });
}

/** PEM text, typed or from a file of the reader's computer. */
function pem({ name, label }, options) {
  const field = area(name, label, { rows: 3, ...options });
  field.element.append(h('label', { class: 'button quiet small upload' }, 'Upload a file', h('span', { class: 'unseen' }, `: ${label}`), h('input', {
    type: 'file', class: 'unseen', accept: '.pem,.crt,.cer,.key,text/plain', onchange: (event) => takeFile(field, event.currentTarget),
  })));
  return field;
}

/** Puts what a chosen file says into the field, as if it had been typed. */
async function takeFile(field, chooser) {
  const [file] = chooser.files;
  // The same file can be chosen again once it was corrected.
  chooser.value = '';
  if (!file) return;
  if (file.size > FILE_BYTES) {
    field.fail('This file is too large to be a certificate or key.');
    return;
  }
  try {
    field.control.value = await file.text();
    field.control.dispatchEvent(new Event('input', { bubbles: true }));
  } catch (error) {
    field.fail(`This file cannot be read: ${error.message}`);
  }
}
