// A real express app on a port of its own, whose handlers a test writes, and a browser that keeps a cookie.
'use strict';

const { once } = require('node:events');

const express = require('express');
const session = require('express-session');

/** Those that a test has not stopped itself. */
const running = new Set();

class ExpressApp {
  static stopAll() {
    for (const app of running) app.stop();
  }

  /** `options` are those of express-session. What a handler gives to `next`, or throws, is the answer of a 500. */
  static async start(store, routes, options = {}) {
    const app = new ExpressApp();
    const server = express();
    server.use(session({ store, secret: 'keyboard cat', resave: false, saveUninitialized: false, cookie: { maxAge: 60_000 }, ...options }));
    for (const [path, handler] of Object.entries(routes)) server.get(path, handler);
    server.use((error, _request, response, _next) => {
      app.errors.push(error);
      if (!response.headersSent) response.status(500);
      response.end(error.message);
    });
    app.errors = [];
    app.server = server.listen(0, '127.0.0.1');
    // A browser that is held up for seconds finds the connection that it has kept.
    app.server.keepAliveTimeout = 0;
    running.add(app);
    await once(app.server, 'listening');
    app.url = `http://127.0.0.1:${app.server.address().port}`;
    return app;
  }

  stop() {
    running.delete(this);
    this.server.closeAllConnections();
    this.server.close();
  }
}

class Browser {
  constructor(url, cookie = null) {
    this.url = url;
    this.cookie = cookie;
  }

  /** Another one with the same cookie. */
  copy() {
    return new Browser(this.url, this.cookie);
  }

  /** Gives status and text, and whether a cookie was set. */
  async visit(path) {
    const response = await fetch(this.url + path, { headers: this.cookie === null ? {} : { cookie: this.cookie } });
    const [header] = response.headers.getSetCookie();
    if (header !== undefined) [this.cookie] = header.split(';');
    return { status: response.status, text: await response.text(), header };
  }

  /** The id of the session, as the cookie has it. */
  get sid() {
    return decodeURIComponent(this.cookie.split('=')[1]).slice(2).split('.')[0];
  }
}

/** A door that requests wait at until it is opened: `wait()` in a handler, `arrived(n)` and `open()` in a test. */
class Door {
  constructor() {
    this.waiting = 0;
    this.watch = () => {};
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  wait() {
    this.waiting += 1;
    this.watch();
    return this.opened;
  }

  arrived(count) {
    return new Promise((resolve) => {
      this.watch = () => this.waiting >= count && resolve();
      this.watch();
    });
  }
}

module.exports = { Browser, Door, ExpressApp };
