// Starts the console: the session, the frame around the pages, and the pages by their addresses.
import { openSession, remove } from './api.js';
import { apiReference } from './api_reference.js';
import { audit } from './audit.js';
import { watch } from './configuration.js';
import { busy, button } from './controls.js';
import { deadLetters, watchLetters } from './dead_letters.js';
import { destination } from './destination.js';
import { destinations, watchWaiting } from './destinations.js';
import { fill, h, say } from './dom.js';
import { firstEvent } from './first_event.js';
import { live } from './live.js';
import { errorBox, toast } from './notice.js';
import { overview } from './overview.js';
import { profiles } from './profiles.js';
import { Router } from './router.js';
import { source } from './source.js';
import { sources } from './sources.js';
import { keepDays } from './time.js';
import { forgetUnsaved, mayLeave } from './unsaved.js';
import { wizard } from './wizard.js';

const byId = (id) => document.getElementById(id);

const router = new Router(byId('page'), {
  '/overview': overview,
  '/sources': sources,
  '/sources/:id': source,
  '/destinations': destinations,
  '/destinations/add/wizard': wizard,
  '/destinations/:id': destination,
  '/first-event': firstEvent,
  '/live': live,
  '/profiles': profiles,
  '/dead-letters': deadLetters,
  '/audit': audit,
  '/api': apiReference,
});

/** On a narrow screen the navigation hides behind a button. */
function wireMenu() {
  const menu = byId('menu');
  const set = (isOpen) => {
    menu.setAttribute('aria-expanded', String(isOpen));
    byId('navigation').classList.toggle('open', isOpen);
  };
  menu.addEventListener('click', () => set(menu.getAttribute('aria-expanded') !== 'true'));
  window.addEventListener('hashchange', () => set(false));
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || menu.getAttribute('aria-expanded') !== 'true') return;
    set(false);
    menu.focus();
  });
}

/** The address names the page, so the skip link cannot use it. */
function wireSkipLink() {
  byId('skip').addEventListener('click', (event) => {
    event.preventDefault();
    byId('main').focus();
  });
}

function wireSignOut() {
  byId('sign-out').addEventListener('click', (event) => busy(event.currentTarget, async () => {
    if (!await mayLeave()) return;
    await remove('/session').catch((error) => {
      // It has ended already.
      if (error.code !== 'signed_out') throw error;
    });
    forgetUnsaved();
    location.replace('/');
  }, (error) => toast(error.message)));
}

async function start() {
  wireMenu();
  wireSkipLink();
  wireSignOut();
  try {
    const session = await openSession();
    say(byId('version'), `Kenwell ${session.version}`);
  } catch (error) {
    fill(byId('page'), h('div', { class: 'page' }, errorBox(error),
      h('div', { class: 'actions' }, button('Try again', () => location.reload(), { kind: 'small' }))));
    return;
  }
  const { signal } = new AbortController();
  watch(byId('banner'), signal);
  watchLetters(byId('letters'), signal);
  watchWaiting(byId('waiting'), signal);
  keepDays(signal);
  router.start();
}

start();
