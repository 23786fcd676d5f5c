// A real Jovo app for a test: one component that does what the test says.
'use strict';

const { App, BaseComponent, Component, Global, Handle, Server } = require('@jovotech/framework');
const { CorePlatform } = require('@jovotech/platform-core');

class OneRequest extends Server {
  constructor(userId, act, text) {
    super();
    this.act = act;
    this.request = {
      version: '4.0',
      platform: 'core',
      id: 'request',
      timestamp: new Date().toISOString(),
      locale: 'en',
      input: { type: 'TEXT', text },
      context: { device: { id: 'device', capabilities: ['TEXT'] }, session: { id: 'session-1' }, user: { id: userId } },
    };
  }
  hasWriteFileAccess() {
    return false;
  }
  getRequestObject() {
    return this.request;
  }
  getQueryParams() {
    return {};
  }
  getNativeRequestHeaders() {
    return {};
  }
  setResponseHeaders() {}
  async setResponse(response) {
    this.response = response;
  }
  fail(error) {
    this.error = error;
  }
}

class Listener extends BaseComponent {
  async listen() {
    await this.$server.act(this);
    return this.$send('ok');
  }
}
Global()(Listener);
Handle({ global: true, types: ['LAUNCH', 'INTENT', 'TEXT'] })(Listener.prototype, 'listen', Object.getOwnPropertyDescriptor(Listener.prototype, 'listen'));
Component()(Listener);

/** An app with this plugin. */
async function appWith(plugin, prepare = () => {}) {
  const app = new App({ logging: false, components: [Listener], plugins: [new CorePlatform()] });
  app.configure({ plugins: [plugin] });
  app.removeErrorListener(app.errorListeners[0]);
  prepare(app);
  await app.initialize();
  return app;
}

/** One request of a user; `act(jovo)` is what the handler does. Throws what the sender would be told. */
async function say(app, userId, act = () => {}, text = 'hello') {
  const server = new OneRequest(userId, act, text);
  await app.handle(server);
  if (server.error) throw server.error;
  return server.response;
}

module.exports = { appWith, say };
