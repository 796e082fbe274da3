/** SIGHUP: read users, keys and certificates again, as servers do. */
import { type Broker, BrokerError } from '@slowbeat/broker';
import type { Logger } from 'pino';

/** Until disposed of. What is not valid is logged and changes nothing. */
export function reloadOnHangup(broker: Pick<Broker, 'reload'>, logger: Logger): Disposable {
  const reload = (): void => {
    broker.reload().catch((error: unknown) => {
      const why = error instanceof BrokerError ? error.message : String(error);
      logger.error({ why }, 'not read again; everything stays as it was');
    });
  };
  process.on('SIGHUP', reload);
  return { [Symbol.dispose]: () => void process.removeListener('SIGHUP', reload) };
}
