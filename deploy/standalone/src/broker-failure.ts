/** How a command ends when its broker cannot start: a wrong setting is wrong usage, everything else a failure. */
import type { BrokerError, BrokerErrorCode } from '@slowbeat/broker';
import { CommandError, EXIT, UnreachableError, UsageError } from './exit-codes.ts';

const WRONG_SETTING: ReadonlySet<BrokerErrorCode> = new Set<BrokerErrorCode>([
  'invalid-config',
  'open-on-network',
  'host-unknown',
  'address-not-available',
  'credentials-unreadable',
  'credentials-invalid',
  'certificate-unreadable',
  'certificate-invalid',
  'token-keys-unreadable',
  'token-keys-invalid',
]);

export function brokerFailure(error: BrokerError): CommandError {
  if (WRONG_SETTING.has(error.code)) return new UsageError(error.message, error);
  if (error.code === 'redis-unusable') return new UnreachableError(error.message, error);
  const flag = error.code === 'address-in-use' ? ' (--port)' : '';
  return new CommandError(`${error.message}${flag}`, EXIT.failed, error);
}
