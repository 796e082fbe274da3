/**
 * One broker per directory. A second one would write the files anew under the first, which would then go on in files
 * that nobody will ever read.
 *
 * The lock is a Unix socket that its owner listens on: it is given up when the process ends, however it ends, and a
 * socket file that was left behind answers to nobody.
 */
import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

/** What `sockaddr_un` has room for on every system. */
const PATH_BYTES_MAX = 103;

/**
 * @returns what gives the directory back.
 * @throws Error when another broker has it, or its path is too long for a socket.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, 'lock');
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_BYTES_MAX) {
    throw new Error(`the path of its lock has ${bytes} bytes; at most ${PATH_BYTES_MAX}`);
  }
  let server = await listening(path);
  if (server === undefined) {
    if (await answers(path)) throw new Error('another broker is using it; give this one its own');
    await unlink(path);
    server = await listening(path);
  }
  if (server === undefined) throw new Error('another broker has just taken it; give this one its own');
  const held = server.unref();
  return async () => {
    held.close();
    await once(held, 'close');
  };
}

/** Undefined when there is a socket file already. */
async function listening(path: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy()).listen(path);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return false;
    throw error;
  } finally {
    socket.destroy();
  }
}
