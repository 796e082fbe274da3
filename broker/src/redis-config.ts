/** What can be set about a Redis server in place of the directory. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { RedisPlace } from './redis-storage.ts';
import { file, flag, section, show } from './setting.ts';

const URL_RULE = 'write redis://host:6379 or rediss://host:6379 (TLS), without a password';

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, password } = new URL(text);
  return (protocol === 'redis:' || protocol === 'rediss:') && hostname !== '' && password === '';
}

export const redisSchema = section({
  url: z
    .string({ error: (issue) => `${show(issue.input)} is no address; ${URL_RULE}` })
    .refine(isRedisUrl, { error: `is no address of a Redis server; ${URL_RULE}` })
    .describe(
      'Redis server that keeps what outlives the broker, in place of its directory; `rediss://` for TLS.',
    ),
  username: z
    .string({ error: (issue) => `${show(issue.input)} is not a user name` })
    .optional()
    .describe('User there (ACL), where it is not `default`.'),
  passwordFile: file('the password').optional().describe('File that holds its password.'),
  caFile: file('the authority')
    .optional()
    .describe('Authority that signed the certificate of a `rediss://` server (PEM).'),
  name: z
    .string({ error: (issue) => `${show(issue.input)} is not a name` })
    .regex(/^[\w.:-]{1,64}$/, { error: 'is no name; use up to 64 letters, digits and . : _ -' })
    .default('slowbeat')
    .describe('Begins all its keys there; one broker at a time per name.'),
  standby: flag()
    .default(false)
    .describe('Waits for as long as another broker has the name, listening nowhere, and takes over then.'),
});

/** The section with its files read. @throws what the file system says. */
export async function redisPlace({
  url,
  username,
  passwordFile,
  caFile,
  name,
  standby,
}: z.output<typeof redisSchema>): Promise<RedisPlace> {
  const content = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  const [password, ca] = [await content(passwordFile), await content(caFile)];
  return { url, username, password, ca, name, standby };
}
