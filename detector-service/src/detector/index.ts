export * from './class-config.ts';
export * from './evidence.ts';
export * from './transition.ts';
