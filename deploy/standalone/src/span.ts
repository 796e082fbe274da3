/** Durations for people: two units at most, none of them exact. `1d 4h`, `3m 20s`, `4.2 s`, `120 ms`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const [larger, smaller] = ms < 3_600_000 ? UNITS.minutes : ms < 86_400_000 ? UNITS.hours : UNITS.days;
  const whole = Math.floor(ms / larger.ms);
  const rest = Math.floor((ms - whole * larger.ms) / smaller.ms);
  return rest === 0 ? `${whole}${larger.name}` : `${whole}${larger.name} ${rest}${smaller.name}`;
}

const SECOND = { ms: 1000, name: 's' };
const MINUTE = { ms: 60_000, name: 'm' };
const HOUR = { ms: 3_600_000, name: 'h' };
const DAY = { ms: 86_400_000, name: 'd' };
const UNITS = { minutes: [MINUTE, SECOND], hours: [HOUR, MINUTE], days: [DAY, HOUR] } as const;
