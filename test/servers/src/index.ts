export * from './free-port.ts';
export * from './influxd.ts';
export * from './mosquitto.ts';
export * from './programs.ts';
export * from './redis.ts';
export * from './victoria-metrics.ts';
export * from './waiting.ts';
