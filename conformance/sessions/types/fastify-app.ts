// What programs with @fastify/session write compiles, in strict mode.
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import fastify from 'fastify';
import { RedisStore } from '@kenwell/redis/express';

export const app = fastify();
app.register(fastifyCookie);
app.register(fastifySession, {
  secret: 'a secret with minimum length of 32 characters',
  store: new RedisStore({ connectionString: 'redis://localhost', prefix: 'fastify:' }),
});
