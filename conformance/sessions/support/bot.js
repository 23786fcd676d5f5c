// A bot that needs no network: updates are handed to it, and it answers nothing.
'use strict';

const { Bot } = require('grammy');

const botInfo = { id: 1, is_bot: true, first_name: 'Bot', username: 'a_bot', can_join_groups: true, can_read_all_group_messages: false, supports_inline_queries: false };
let updates = 0;

function botWith(...middleware) {
  const bot = new Bot('1:none', { botInfo });
  bot.catch(({ error }) => {
    throw error;
  });
  bot.use(...middleware);
  return bot;
}

/** A message in a chat; resolves when the bot is done with it. */
function say(bot, chat, text) {
  updates += 1;
  const from = { id: chat, is_bot: false, first_name: 'Ada' };
  return bot.handleUpdate({ update_id: updates, message: { message_id: updates, date: 0, text, from, chat: { id: chat, type: 'private', first_name: 'Ada' } } });
}

module.exports = { botWith, say };
